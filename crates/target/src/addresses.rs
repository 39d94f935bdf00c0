//! What the placeholders of a target stand for in one run.

use crate::TargetError;
use squall_scenario::{Placeholder, ProviderPart, Template};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// A mock provider as a target reaches it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProviderAddress {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub addr: SocketAddr,
    /// Its base URL with the version: `http://127.0.0.1:9001/v1`.
    pub base_url: String,
    /// A key that it accepts.
    pub key: String,
}

/// The values of one run.
#[derive(Debug)]
pub(crate) struct PlaceholderValues<'a> {
    providers: &'a [ProviderAddress],
    folder: PathBuf,
    /// The ports that were named so far.
    ports: Mutex<BTreeMap<Option<String>, u16>>,
}

impl<'a> PlaceholderValues<'a> {
    pub(crate) fn new(providers: &'a [ProviderAddress], folder: &Path) -> Self {
        Self { providers, folder: folder.to_owned(), ports: Mutex::default() }
    }

    /// A text with every placeholder filled in.
    pub(crate) fn fill(&self, template: &Template) -> Result<String, TargetError> {
        template.fill(|placeholder| self.value(placeholder))
    }

    fn value(&self, placeholder: &Placeholder) -> Result<String, TargetError> {
        match placeholder {
            Placeholder::Port(name) => self.port(name.as_ref()).map(|port| port.to_string()),
            Placeholder::Folder => Ok(self.folder.display().to_string()),
            Placeholder::Environment(name) => variable(name),
            Placeholder::Provider { name, part } => {
                let provider = self.providers.iter().find(|each| each.name == *name);
                let provider = provider.ok_or_else(|| TargetError::UnknownProvider {
                    name: name.clone(),
                    known: self.providers.iter().map(|each| each.name.clone()).collect(),
                })?;
                Ok(match part {
                    ProviderPart::Url => provider.base_url.clone(),
                    ProviderPart::Origin => format!("http://{}", provider.addr),
                    ProviderPart::Host => provider.addr.ip().to_string(),
                    ProviderPart::Port => provider.addr.port().to_string(),
                    ProviderPart::Key => provider.key.clone(),
                })
            }
        }
    }

    /// The port of a name, the same for each mention of it. It was free a moment ago, which is all that can be
    /// said of a port that another process is to listen on.
    fn port(&self, name: Option<&String>) -> Result<u16, TargetError> {
        let mut ports = self.ports.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(port) = ports.get(&name.cloned()) {
            return Ok(*port);
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(TargetError::NoPort)?;
        let port = listener.local_addr().map_err(TargetError::NoPort)?.port();
        ports.insert(name.cloned(), port);
        Ok(port)
    }
}

#[expect(clippy::disallowed_methods, reason = "a target's file names the variable")]
fn variable(name: &str) -> Result<String, TargetError> {
    std::env::var(name).map_err(|_| TargetError::Unset { name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, TargetError> {
        let providers = [ProviderAddress {
            name: "eu".to_owned(),
            addr: "127.0.0.1:9001".parse().expect("an address"),
            base_url: "http://127.0.0.1:9001/v1".to_owned(),
            key: "sk-eu".to_owned(),
        }];
        PlaceholderValues::new(&providers, Path::new("/runs/x")).fill(&text.parse().expect(text))
    }

    #[test]
    fn a_provider_is_told_in_every_part_of_its_address() {
        let text = "${provider.eu.url} ${provider.eu.origin} ${provider.eu.host} ${provider.eu.port} \
                    ${provider.eu.key} ${dir}";
        let told = filled(text).expect("all are known");
        assert_eq!(
            told,
            "http://127.0.0.1:9001/v1 http://127.0.0.1:9001 127.0.0.1 9001 sk-eu /runs/x"
        );
    }

    #[test]
    fn a_port_is_the_same_wherever_its_name_stands() {
        let told = filled("${port} ${port} ${port.admin}").expect("there are free ports");
        let ports: Vec<_> = told.split(' ').collect();
        assert_eq!(ports[0], ports[1]);
        assert_ne!(ports[0], ports[2]);
    }

    #[test]
    fn what_is_not_there_is_told_by_name() {
        let unset = filled("${env.SQUALL_NEVER_SET}").expect_err("it is not set").to_string();
        assert!(unset.contains("`SQUALL_NEVER_SET`"), "{unset}");
        let unknown = filled("${provider.us.url}").expect_err("there is no us").to_string();
        assert!(unknown.contains("`us`") && unknown.contains("eu"), "{unknown}");
    }
}
