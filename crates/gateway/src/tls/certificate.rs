//! What a certificate says of itself.

/// What operators want to know of the certificate in use.
#[derive(Clone, Debug)]
pub(crate) struct CertificateInfo {
    /// The names that it is for, or its subject if it has none.
    pub(crate) names: String,
    /// From when it is valid, in seconds since 1970.
    pub(crate) not_before: i64,
    /// Until when, in seconds since 1970.
    pub(crate) not_after: i64,
    /// The same for people.
    pub(crate) until: String,
}

impl CertificateInfo {
    pub(super) fn log(&self, what: &'static str) {
        tracing::info!(target: "squall_gateway::tls", names = self.names, not_after = self.until, "{what}");
    }
}

#[cfg(feature = "tls")]
mod parsed {
    use super::CertificateInfo;
    use rustls::pki_types::CertificateDer;
    use x509_parser::extensions::GeneralName;
    use x509_parser::prelude::{FromDer, X509Certificate};

    /// Names that are told of one certificate.
    const NAMES_MAX: usize = 8;

    impl CertificateInfo {
        /// # Errors
        /// When it is no X.509 certificate.
        pub(in crate::tls) fn of(der: &CertificateDer<'_>) -> Result<Self, String> {
            let (_, certificate) = X509Certificate::from_der(der)
                .map_err(|error| format!("is not an X.509 certificate: {error}"))?;
            let validity = certificate.validity();
            Ok(Self {
                names: names(&certificate),
                not_before: validity.not_before.timestamp(),
                not_after: validity.not_after.timestamp(),
                until: validity.not_after.to_string(),
            })
        }
    }

    fn names(certificate: &X509Certificate<'_>) -> String {
        let alternatives = certificate.subject_alternative_name().ok().flatten();
        let names = alternatives.iter().flat_map(|names| &names.value.general_names);
        let names = names.filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => address(bytes),
            _ => None,
        });
        let names: Vec<_> = names.take(NAMES_MAX).collect();
        if names.is_empty() { certificate.subject().to_string() } else { names.join(", ") }
    }

    fn address(bytes: &[u8]) -> Option<String> {
        let four = <[u8; 4]>::try_from(bytes).map(|four| std::net::IpAddr::from(four).to_string());
        let sixteen =
            || <[u8; 16]>::try_from(bytes).map(|all| std::net::IpAddr::from(all).to_string());
        four.or_else(|_| sixteen()).ok()
    }
}
