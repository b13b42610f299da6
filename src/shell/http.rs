//! The one HTTP client of the process: proxy, trusted roots and timeouts in one place. It never sends a request to the
//! machine itself, or to a metadata service, through a proxy, and never panics over a certificate.
#![expect(clippy::disallowed_methods, reason = "reads the CA bundle that the config or AWS_CA_BUNDLE names")]

use crate::shell::environment::Environment;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::timeout::TimeoutConfig;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// How long a connection may take to be made.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long one call may take in all.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// How long an idle connection is kept: long enough for a wave, short enough to cost no wake-ups.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// What the client is made of.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct HttpSettings {
    /// `http://[user:password@]host:port`.
    pub proxy: Option<String>,
    /// Hosts that are reached without it, as in `NO_PROXY`.
    pub no_proxy: Option<String>,
    /// A PEM file whose certificates are trusted besides the system's.
    pub ca_bundle: Option<PathBuf>,
}

impl HttpSettings {
    /// What `[network]` says (paths already expanded), else what the environment says.
    pub fn new(proxy: Option<String>, ca_bundle: Option<PathBuf>, environment: &Environment) -> Self {
        let from_environment = |names: &[&str]| {
            let set = names.iter().find_map(|name| environment.text(name).filter(|value| !value.trim().is_empty()));
            set.map(str::to_owned)
        };
        Self {
            proxy: proxy.or_else(|| from_environment(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])),
            no_proxy: from_environment(&["no_proxy", "NO_PROXY"]),
            ca_bundle: ca_bundle.or_else(|| from_environment(&["AWS_CA_BUNDLE"]).map(PathBuf::from)),
        }
    }
}

/// Why no client can be made. The config is to be mended; nothing was sent anywhere.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The proxy is not a URL.
    #[error("use the proxy: write it as http://host:port")]
    Proxy,
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

/// The HTTP client. Cheap to clone; all clones share their connections.
#[derive(Clone, Debug)]
pub struct Http {
    connector: SharedHttpConnector,
    proxied: bool,
}

impl Http {
    /// Reads and checks what the settings name. Connects to nothing yet; the system's roots are loaded at the first use.
    pub fn new(settings: &HttpSettings) -> Result<Self, HttpError> {
        let mut roots = TrustStore::default();
        if let Some(path) = &settings.ca_bundle {
            roots.add_pem_certificate(checked_bundle(path)?);
        }
        let proxy = match &settings.proxy {
            None => None,
            Some(url) => {
                let url = if url.contains("://") { url.clone() } else { format!("http://{url}") };
                let proxy = ProxyConfig::https(url.trim()).map_err(|_| HttpError::Proxy)?;
                Some(match &settings.no_proxy {
                    Some(rules) => proxy.no_proxy(rules),
                    None => proxy,
                })
            }
        };
        let proxied = proxy.is_some();
        let direct = lazily(connector(roots.clone(), None));
        let through = proxy.map_or_else(|| direct.clone(), |proxy| lazily(connector(roots, Some(proxy))));
        Ok(Self { connector: SharedHttpConnector::new(Routed { direct, through }), proxied })
    }

    /// Sends every request to `connector`.
    #[cfg(test)]
    pub(crate) fn over(connector: SharedHttpConnector) -> Self {
        Self { connector, proxied: false }
    }

    /// For the AWS crates. The timeouts of the connection are this client's own, whatever they ask for.
    pub fn sdk(&self) -> SharedHttpClient {
        let connector = self.connector.clone();
        http_client_fn(move |_, _| connector.clone())
    }

    /// For requests of our own.
    pub fn connector(&self) -> &SharedHttpConnector {
        &self.connector
    }

    /// Whether requests to AWS go through a proxy.
    pub fn is_proxied(&self) -> bool {
        self.proxied
    }

    /// The bounds of every call that an AWS crate makes for us.
    pub fn timeouts() -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(CALL_TIMEOUT)
            .operation_timeout(CALL_TIMEOUT)
            .build()
    }
}

/// Whether a host is this machine or a metadata service: a proxy would answer for somebody else.
pub fn is_never_proxied(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    if host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost") {
        return true;
    }
    match host.parse::<IpAddr>() {
        // 169.254.169.254 is IMDS, 169.254.170.2 and .23 are the ECS and EKS credential endpoints.
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        // fd00:ec2::254 is IMDS, fd00:ec2::23 the EKS credential endpoint.
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.segments().starts_with(&[0xfd00, 0x0ec2]),
        Err(_) => false,
    }
}

/// Sends each request the way that its host asks for.
#[derive(Debug)]
struct Routed {
    direct: SharedHttpConnector,
    through: SharedHttpConnector,
}

impl HttpConnector for Routed {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let way = if is_never_proxied(host_of(request.uri())) { &self.direct } else { &self.through };
        way.call(request)
    }
}

/// The host of an absolute URI, with the brackets of an IPv6 address.
pub(crate) fn host_of(uri: &str) -> &str {
    let authority = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host_and_port.find(']') {
        Some(end) => &host_and_port[..=end],
        None => host_and_port.split(':').next().unwrap_or_default(),
    }
}

/// A connector that is made at its first request: loading the system's roots costs milliseconds that commands which
/// never call STS need not pay.
struct Lazy<F>(Arc<LazyLock<Connector, F>>);

impl<F> std::fmt::Debug for Lazy<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lazy")
    }
}

impl<F: FnOnce() -> Connector + Send + 'static> HttpConnector for Lazy<F> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.0.call(request)
    }
}

fn lazily(make: impl FnOnce() -> Connector + Send + 'static) -> SharedHttpConnector {
    SharedHttpConnector::new(Lazy(Arc::new(LazyLock::new(make))))
}

fn connector(roots: TrustStore, proxy: Option<ProxyConfig>) -> impl FnOnce() -> Connector + Send + 'static {
    move || {
        // Building a context from a trust store has no way to fail; the default one has the system's roots.
        let context = TlsContext::builder().with_trust_store(roots).build().unwrap_or_default();
        Connector::builder()
            .tls_provider(Provider::rustls(crypto()))
            .tls_context(context)
            .proxy_config(proxy.unwrap_or_else(ProxyConfig::disabled))
            .pool_idle_timeout(IDLE_TIMEOUT)
            .connector_settings(HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build())
            .build()
    }
}

#[cfg(feature = "aws-lc")]
fn crypto() -> CryptoMode {
    CryptoMode::AwsLc
}

#[cfg(not(feature = "aws-lc"))]
fn crypto() -> CryptoMode {
    CryptoMode::Ring
}

/// The bundle's bytes, once every certificate in them has been tried as the TLS crate will: it panics over a bad one.
fn checked_bundle(path: &Path) -> Result<Vec<u8>, HttpError> {
    let bytes = std::fs::read(path).map_err(|source| HttpError::Unreadable { path: path.to_owned(), source })?;
    let mut trial = RootCertStore::empty();
    let mut number = 0;
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        number += 1;
        let fits = certificate.is_ok_and(|certificate| trial.add(certificate).is_ok());
        if !fits {
            return Err(HttpError::Certificate { path: path.to_owned(), number });
        }
    }
    if number == 0 {
        return Err(HttpError::Empty { path: path.to_owned() });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{Http, HttpError, HttpSettings, host_of, is_never_proxied};
    use crate::shell::environment::Environment;

    #[test]
    fn this_machine_and_the_metadata_services_are_never_behind_a_proxy() {
        for host in [
            "localhost",
            "sts.localhost",
            "127.0.0.1",
            "127.9.9.9",
            "[::1]",
            "169.254.169.254",
            "[fd00:ec2::254]",
            "169.254.170.2",
            "169.254.170.23",
            "[fd00:ec2::23]",
        ] {
            assert!(is_never_proxied(host), "{host}");
        }
        for host in ["sts.eu-west-1.amazonaws.com", "10.0.0.1", "localhost.example.com", "[fd00::1]", ""] {
            assert!(!is_never_proxied(host), "{host}");
        }
    }

    #[test]
    fn finds_the_host_of_a_uri() {
        assert_eq!(host_of("https://sts.eu-west-1.amazonaws.com/"), "sts.eu-west-1.amazonaws.com");
        assert_eq!(host_of("http://[fd00:ec2::254]:80/latest"), "[fd00:ec2::254]");
        assert_eq!(host_of("http://user:word@127.0.0.1:80?x"), "127.0.0.1");
    }

    #[test]
    fn the_config_goes_before_the_environment() {
        let environment = Environment::from_vars([
            ("HTTPS_PROXY", "http://env:1"),
            ("NO_PROXY", "corp"),
            ("AWS_CA_BUNDLE", "/env.pem"),
        ]);
        let settings = HttpSettings::new(None, None, &environment);
        assert_eq!(settings.proxy.as_deref(), Some("http://env:1"));
        assert_eq!(settings.no_proxy.as_deref(), Some("corp"));
        assert_eq!(settings.ca_bundle.as_deref().and_then(|p| p.to_str()), Some("/env.pem"));
        let settings = HttpSettings::new(Some("http://own:1".into()), Some("/own.pem".into()), &environment);
        assert_eq!(settings.proxy.as_deref(), Some("http://own:1"));
        assert_eq!(settings.ca_bundle.as_deref().and_then(|p| p.to_str()), Some("/own.pem"));
    }

    #[test]
    fn a_bad_bundle_is_an_error_that_names_file_and_certificate() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("corp.pem");
        let settings = HttpSettings { ca_bundle: Some(path.clone()), ..HttpSettings::default() };
        let told = || Http::new(&settings).map(|_| ()).map_err(|error| error.to_string());

        assert!(matches!(Http::new(&settings), Err(HttpError::Unreadable { .. })));
        std::fs::write(&path, "no certificate\n").expect("written");
        assert!(told().is_err_and(|text| text.contains("corp.pem") && text.contains("no certificate")));
        std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").expect("written");
        assert!(told().is_err_and(|text| text.contains("corp.pem") && text.contains("certificate 1")));
        std::fs::write(&path, "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n").expect("written");
        assert!(matches!(Http::new(&settings), Err(HttpError::Certificate { number: 1, .. })));
    }

    #[test]
    fn a_proxy_must_be_a_url() {
        let with = |proxy: &str| Http::new(&HttpSettings { proxy: Some(proxy.to_owned()), ..HttpSettings::default() });
        assert!(with("http://proxy.corp:3128").is_ok_and(|http| http.is_proxied()));
        assert!(with("proxy.corp:3128").is_ok_and(|http| http.is_proxied()));
        assert!(matches!(with("socks5://proxy.corp:1080"), Err(HttpError::Proxy)));
        assert!(Http::new(&HttpSettings::default()).is_ok_and(|http| !http.is_proxied()));
    }
}
