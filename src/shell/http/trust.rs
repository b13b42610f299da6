//! Who is trusted to sign certificates: the system's roots, and those of the CA bundle. Tries each certificate before the
//! TLS crate does, which panics over one that it cannot read, and over a system that has none.

use crate::shell::files::whole;
use aws_smithy_http_client::tls::TrustStore;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Of the bundle's bytes.
pub(super) type Digest = [u8; 32];

/// Why a CA bundle cannot be used. Reads on after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The bundle cannot be read.
    #[error("read the CA bundle {}: {source}", path.display())]
    Unreadable {
        /// The bundle.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The bundle holds no certificate.
    #[error("use the CA bundle {}: it holds no certificate in PEM form", path.display())]
    Empty {
        /// The bundle.
        path: PathBuf,
    },
    /// One of its certificates is no certificate.
    #[error("use the CA bundle {}: certificate {number} in it cannot be parsed; take it out", path.display())]
    Certificate {
        /// The bundle.
        path: PathBuf,
        /// Counted from 1.
        number: usize,
    },
}

/// The roots of one moment.
#[derive(Clone, Debug)]
pub(super) struct Trust {
    bundle: Option<Vec<u8>>,
    /// `None` without a bundle.
    pub(super) digest: Option<Digest>,
}

impl Trust {
    /// Reads and checks the bundle, where there is one.
    pub(super) fn read(bundle: Option<&Path>) -> Result<Self, TrustError> {
        let bundle = bundle.map(checked).transpose()?;
        let digest = bundle.as_ref().map(|bytes| Sha256::digest(bytes).into());
        Ok(Self { bundle, digest })
    }

    /// In the form of the TLS crate.
    pub(super) fn into_store(self) -> TrustStore {
        let mut store = TrustStore::default();
        if !*SYSTEM_HAS_ROOTS {
            if self.bundle.is_none() {
                tracing::warn!("this system has no CA certificate that can be used; [network] ca_bundle can name some");
            }
            store = TrustStore::empty();
        }
        if let Some(bytes) = self.bundle {
            store.add_pem_certificate(bytes);
        }
        store
    }
}

/// Asked once: whoever installs the first roots of a system has to start evertoken again.
static SYSTEM_HAS_ROOTS: LazyLock<bool> = LazyLock::new(|| {
    let mut trial = RootCertStore::empty();
    rustls_native_certs::load_native_certs().certs.into_iter().any(|certificate| trial.add(certificate).is_ok())
});

/// The bundle's bytes, once every certificate in them has been tried.
fn checked(path: &Path) -> Result<Vec<u8>, TrustError> {
    let bytes = whole::read(path).map_err(|source| TrustError::Unreadable { path: path.to_owned(), source })?.to_vec();
    let mut trial = RootCertStore::empty();
    let mut number = 0;
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        number += 1;
        let fits = certificate.is_ok_and(|certificate| trial.add(certificate).is_ok());
        if !fits {
            return Err(TrustError::Certificate { path: path.to_owned(), number });
        }
    }
    if number == 0 {
        return Err(TrustError::Empty { path: path.to_owned() });
    }
    Ok(bytes)
}
