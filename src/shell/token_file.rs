//! Files with a web identity token, read again for each use because whoever issues them replaces them. Never keeps one.

use crate::engine::failure::{Fault, SourceFault};
use crate::engine::secret::Secret;
use crate::shell::environment::expand;
use crate::shell::files::whole;
use std::path::Path;

/// The longest WebIdentityToken that STS takes (STS API reference, AssumeRoleWithWebIdentity).
const MAX_LENGTH: usize = 20_000;

/// Reads the token.
pub async fn read(path: &str, home: Option<&Path>) -> Result<Secret, Fault> {
    let path = expand(path, home);
    let missing = |text: String| Fault::Source(SourceFault::Missing(text));
    let unreadable =
        |error: std::io::Error| missing(format!("the web identity token {} cannot be read: {error}", path.display()));
    let bytes = whole::read_apart(&path).await.map_err(unreadable)?;
    let token = std::str::from_utf8(&bytes).unwrap_or_default();
    let trimmed = token.trim();
    let fits = (4..=MAX_LENGTH).contains(&trimmed.len()) && trimmed.bytes().all(|byte| byte.is_ascii_graphic());
    if !fits {
        let what = format!("{} holds no web identity token (4 to {MAX_LENGTH} printable characters)", path.display());
        return Err(missing(what));
    }
    Ok(Secret::new(trimmed))
}
