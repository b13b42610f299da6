//! Files with a web identity token, read again for each use because whoever issues them replaces them. Never keeps one.

use crate::engine::failure::{Fault, SourceFault};
use crate::engine::secret::Secret;
use crate::shell::environment::expand;
use std::path::Path;
use tokio::io::AsyncReadExt;
use zeroize::Zeroizing;

/// The longest WebIdentityToken that STS takes (STS API reference, AssumeRoleWithWebIdentity).
const MAX_LENGTH: usize = 20_000;

/// Reads the token.
pub async fn read(path: &str, home: Option<&Path>) -> Result<Secret, Fault> {
    let path = expand(path, home);
    let missing = |text: String| Fault::Source(SourceFault::Missing(text));
    let unreadable =
        |error: std::io::Error| missing(format!("the web identity token {} cannot be read: {error}", path.display()));
    let file = tokio::fs::File::open(&path).await.map_err(unreadable)?;
    let mut token = Zeroizing::new(String::new());
    // One byte more than fits tells a longer one.
    file.take(MAX_LENGTH as u64 + 1).read_to_string(&mut token).await.map_err(unreadable)?;
    let trimmed = token.trim();
    let fits = (4..=MAX_LENGTH).contains(&trimmed.len()) && trimmed.bytes().all(|byte| byte.is_ascii_graphic());
    if !fits {
        let what = format!("{} holds no web identity token (4 to {MAX_LENGTH} printable characters)", path.display());
        return Err(missing(what));
    }
    Ok(Secret::new(trimmed))
}
