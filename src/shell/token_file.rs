//! Files with a token of somebody else's, read again for each use because whoever issues them replaces them. Never keeps
//! one.

use crate::engine::failure::{Fault, SourceFault};
use crate::engine::secret::Secret;
use crate::shell::environment::expand;
use crate::shell::files::whole;
use std::path::Path;

/// What a web identity is called in messages.
pub const WEB_IDENTITY: &str = "web identity token";
/// The same for what the container endpoint of EKS asks for.
pub const CONTAINER: &str = "token for the container endpoint";

/// The longest WebIdentityToken that STS takes (STS API reference, AssumeRoleWithWebIdentity); those of EKS are of the same
/// kind.
const MAX_LENGTH: usize = 20_000;

/// Reads the token; `what` is what messages call it.
///
/// # Errors
/// [`SourceFault::Missing`] when it cannot be read, or is no token.
pub async fn read(what: &str, path: &str, home: Option<&Path>) -> Result<Secret, Fault> {
    let path = expand(path, home);
    let missing = |text: String| Fault::Source(SourceFault::Missing(text));
    let unreadable = |error: std::io::Error| missing(format!("the {what} {} cannot be read: {error}", path.display()));
    let bytes = whole::read_apart(&path).await.map_err(unreadable)?;
    let token = std::str::from_utf8(&bytes).unwrap_or_default();
    let trimmed = token.trim();
    let fits = (4..=MAX_LENGTH).contains(&trimmed.len()) && trimmed.bytes().all(|byte| byte.is_ascii_graphic());
    if !fits {
        let text = format!("{} holds no {what} (4 to {MAX_LENGTH} printable characters)", path.display());
        return Err(missing(text));
    }
    Ok(Secret::new(trimmed))
}
