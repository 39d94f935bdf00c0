//! Every export of every bundled scenario passes the check of nginx and of HAProxy, which are of the machine
//! (`cargo xtask test` installs them).

mod exports;

use exports::{check_all, words};
use std::path::Path;

#[test]
fn nginx_takes_every_export() {
    let arguments =
        |folder: &Path| words(&["-t", "-q", "-e", "stderr", "-p"], folder, &["-c", "nginx.conf"]);
    check_all("nginx", arguments);
}

#[test]
fn haproxy_takes_every_export() {
    check_all("haproxy", |folder| words(&["-c", "-q", "-f"], &folder.join("haproxy.cfg"), &[]));
}
