//! The one HTTP client of the process: proxy, trusted roots, timeouts and the bound of an answer in one place. It never sends a request to the
//! machine itself, or to a metadata service, through a proxy, and never panics over a certificate.

mod names;
mod trust;

use crate::engine::config::model::Network;
use crate::engine::proxy::{NO_PROXY, PROXY, first_set};
use crate::shell::environment::Environment;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::timeout::TimeoutConfig;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use names::Names;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, RwLock};
use std::time::Duration;
use trust::Trust;
pub use trust::TrustError;

/// How long a connection may take to be made.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long one call may take in all.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// How long an idle connection is kept: long enough for a wave, short enough to cost no wake-ups.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// The most that is read of an answer, far above the longest one of AWS.
pub(crate) const MAX_ANSWER: usize = 256 * 1024;
/// What is said of a longer one, by whichever layer reads it.
pub(crate) const TOO_LONG: &str = "the answer is far too long";

/// What the client is made of.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct HttpSettings {
    /// `http://[user:password@]host:port`.
    pub proxy: Option<String>,
    /// Hosts that are reached without it, as in `no_proxy`.
    pub no_proxy: Option<String>,
    /// A PEM file whose certificates are trusted besides the system's.
    pub ca_bundle: Option<PathBuf>,
}

impl HttpSettings {
    /// What `[network]` says, else what the environment says.
    pub fn of(network: &Network, environment: &Environment) -> Self {
        let bundle = network.ca_bundle.as_deref().and_then(|path| environment.expand_home(path));
        Self::new(network.proxy.clone(), bundle, environment)
    }

    /// The same, with paths that are already expanded.
    pub fn new(proxy: Option<String>, ca_bundle: Option<PathBuf>, environment: &Environment) -> Self {
        let proxy = proxy.or_else(|| first_set(&PROXY, |name| environment.text(name)).map(str::to_owned));
        let no_proxy = first_set(&NO_PROXY, |name| environment.text(name)).map(str::to_owned);
        let ca_bundle = ca_bundle.or_else(|| environment.ca_bundle().map(PathBuf::from));
        Self { proxy, no_proxy, ca_bundle }
    }
}

/// Why no client can be made. The config is to be mended; nothing was sent anywhere.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The proxy is not a URL.
    #[error("use the proxy: write it as http://host:port")]
    Proxy,
    /// The bundle cannot be used.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// The HTTP client. Cheap to clone; all clones share their connections, and a renewed CA bundle.
#[derive(Clone, Debug)]
pub struct Http {
    connector: SharedHttpConnector,
    routes: Arc<Routes>,
}

impl Http {
    /// Reads and checks what the settings name. Connects to nothing yet; the system's roots are loaded at the first use.
    ///
    /// # Errors
    /// When the proxy is no URL, or the bundle cannot be used.
    pub fn new(settings: &HttpSettings) -> Result<Self, HttpError> {
        let trust = Trust::read(settings.ca_bundle.as_deref())?;
        let proxy = match &settings.proxy {
            None => None,
            Some(url) => {
                let url = if url.contains("://") { url.trim().to_owned() } else { format!("http://{}", url.trim()) };
                let exempt = settings.no_proxy.as_deref().unwrap_or_default();
                let way = ProxyConfig::https(url.as_str()).map_err(|_| HttpError::Proxy)?;
                Some(Proxy { hosts: Matcher::builder().https(url).no(exempt).build(), way })
            }
        };
        let names = Names::default();
        let ways = RwLock::new(Ways::new(trust, proxy.as_ref(), &names));
        let bundle = settings.ca_bundle.clone();
        let routes = Arc::new(Routes { bundle, proxy, ways, names, renewing: Mutex::default() });
        Ok(Self { connector: SharedHttpConnector::new(Routed(Arc::clone(&routes))), routes })
    }

    /// Reads the CA bundle again, and trusts what it says now from the next connection on. Whether it says something
    /// else than before. Waits for the file system.
    ///
    /// # Errors
    /// When it cannot be used: then everything stays as it was.
    pub fn renew_trust(&self) -> Result<bool, TrustError> {
        // Who read it first may not take it over last.
        let _turn = self.routes.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        let trust = Trust::read(self.routes.bundle.as_deref())?;
        let mut ways = self.routes.ways.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = trust.digest != ways.trusted;
        if is_new {
            *ways = Ways::new(trust, self.routes.proxy.as_ref(), &self.routes.names);
        }
        Ok(is_new)
    }

    /// The CA bundle, wherever it was named.
    pub fn ca_bundle(&self) -> Option<&Path> {
        self.routes.bundle.as_deref()
    }

    /// Sends every request to `connector`.
    #[cfg(test)]
    pub(crate) fn over(connector: SharedHttpConnector) -> Self {
        let ways = RwLock::new(Ways { direct: connector.clone(), through: connector.clone(), trusted: None });
        let (names, renewing) = (Names::default(), Mutex::default());
        Self { connector, routes: Arc::new(Routes { bundle: None, proxy: None, ways, names, renewing }) }
    }

    /// Decides as these settings say, and sends what goes straight to one connector and what is for the proxy to the other.
    #[cfg(test)]
    pub(crate) fn over_both(
        settings: &HttpSettings,
        direct: SharedHttpConnector,
        through: SharedHttpConnector,
    ) -> Result<Self, HttpError> {
        let http = Self::new(settings)?;
        *http.routes.ways.write().unwrap_or_else(PoisonError::into_inner) = Ways { direct, through, trusted: None };
        Ok(http)
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

    /// Whether a request to this URL goes through the proxy.
    pub fn is_proxied(&self, url: &str) -> bool {
        self.routes.proxy_for(url)
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

/// A proxy, and the hosts that it is for.
#[derive(Debug)]
struct Proxy {
    hosts: Matcher,
    way: ProxyConfig,
}

/// What decides which way a request goes.
#[derive(Debug)]
struct Routes {
    bundle: Option<PathBuf>,
    proxy: Option<Proxy>,
    ways: RwLock<Ways>,
    names: Names,
    renewing: Mutex<()>,
}

impl Routes {
    fn proxy_for(&self, url: &str) -> bool {
        let exempt = |uri: &Uri| self.proxy.as_ref().is_none_or(|proxy| proxy.hosts.intercept(uri).is_none());
        !is_never_proxied(host_of(url)) && url.parse::<Uri>().is_ok_and(|uri| !exempt(&uri))
    }
}

/// The two ways, and the digest of the bundle that both trust.
#[derive(Debug)]
struct Ways {
    direct: SharedHttpConnector,
    through: SharedHttpConnector,
    trusted: Option<trust::Digest>,
}

impl Ways {
    fn new(trust: Trust, proxy: Option<&Proxy>, names: &Names) -> Self {
        let trusted = trust.digest;
        let way = |trust, proxy| lazily(connector(trust, proxy, names.clone()));
        let direct = way(trust.clone(), ProxyConfig::disabled());
        let through = proxy.map_or_else(|| direct.clone(), |proxy| way(trust, proxy.way.clone()));
        Self { direct, through, trusted }
    }
}

/// Sends each request the way that its host asks for.
#[derive(Debug)]
struct Routed(Arc<Routes>);

impl HttpConnector for Routed {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let ways = self.0.ways.read().unwrap_or_else(PoisonError::into_inner);
        let way = if self.0.proxy_for(request.uri()) { &ways.through } else { &ways.direct };
        let answer = way.call(request);
        HttpConnectorFuture::new(async move { Ok(answer.await?.map(bounded)) })
    }
}

/// The body of an answer breaks off with [`TOO_LONG`] where it exceeds the bound: one without end would fill the memory for
/// as long as the call may take.
fn bounded(body: SdkBody) -> SdkBody {
    let bounded = Limited::new(body, MAX_ANSWER);
    SdkBody::from_body_1_x(
        bounded.map_err(|error| if error.is::<LengthLimitError>() { TOO_LONG.into() } else { error }),
    )
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

fn connector(trust: Trust, proxy: ProxyConfig, names: Names) -> impl FnOnce() -> Connector + Send + 'static {
    move || {
        // Building a context from a trust store has no way to fail; the default one has the system's roots.
        let context = TlsContext::builder().with_trust_store(trust.into_store()).build().unwrap_or_default();
        Connector::builder()
            .tls_provider(Provider::rustls(crypto()))
            .tls_context(context)
            .proxy_config(proxy)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .connector_settings(HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build())
            .build_with_resolver(names)
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

#[cfg(test)]
mod tests;
