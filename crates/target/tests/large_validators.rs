//! Every export of every bundled scenario passes the check of Envoy, and LiteLLM builds its router from it. Both are too
//! large for the gate: `cargo xtask targets` installs them and runs this.

mod exports;

use exports::{check_all, exports, words};
use squall_target::{ready_made, require_installed};
use std::process::Command;

#[test]
fn envoy_takes_every_export() {
    let more = ["--mode", "validate", "--log-level", "error"];
    check_all("envoy", |folder| words(&["-c"], &folder.join("envoy.yaml"), &more));
}

/// Builds LiteLLM's router from each file that it is given.
const LITELLM_CHECK: &str = "
import asyncio, sys, yaml
from litellm import Router

async def check(path):
    with open(path) as file:
        config = yaml.safe_load(file)
    models = config['model_list']
    router = Router(model_list=models, **config.get('router_settings', {}))
    for name in {model['model_name'] for model in models}:
        wanted = sum(model['model_name'] == name for model in models)
        found = len(list(router.registry().deployments(name)))
        assert found == wanted, f'{found} of {wanted} deployments of {name}'

async def main():
    for path in sys.argv[1:]:
        try:
            await check(path)
        except Exception as error:
            sys.exit(f'{path}: {type(error).__name__}: {error}')

asyncio.run(main())
";

#[test]
fn litellm_takes_every_export() {
    let target = ready_made("litellm").unwrap();
    let bin = require_installed(target).unwrap_or_else(|error| panic!("{error}"));
    let root = tempfile::tempdir().unwrap();
    let files = exports(target, root.path()).into_iter().map(|folder| folder.join("litellm.yaml"));
    let mut check = Command::new(bin.join("python3"));
    check.arg("-c").arg(LITELLM_CHECK).args(files).env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
    let check = check.output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
}
