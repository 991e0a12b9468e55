//! TLS to servers whose certificate this system trusts.

use std::sync::{Arc, OnceLock};

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

/// How TLS is spoken, for requests and WebSockets alike.
pub(crate) fn config() -> Arc<ClientConfig> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    Arc::clone(CONFIG.get_or_init(|| {
        let builder = || {
            let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
            builder.with_safe_default_protocol_versions().expect("the provider knows TLS 1.2 and 1.3")
        };
        // Where the system trusts nobody, servers without TLS are to be reached all the same.
        let trusting = builder().with_platform_verifier();
        let trusting = trusting.unwrap_or_else(|_| builder().with_root_certificates(RootCertStore::empty()));
        Arc::new(trusting.with_no_client_auth())
    }))
}

/// What sends requests.
pub(crate) fn client() -> reqwest::Client {
    let builder = reqwest::Client::builder().tls_backend_preconfigured(ClientConfig::clone(&config()));
    builder.build().expect("reqwest takes a configuration of its own version of rustls")
}
