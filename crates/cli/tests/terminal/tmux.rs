//! A terminal of a size of its own, with a shell in it, whose screen can be read.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A tmux server of our own with one window, which ends when this is dropped.
pub(crate) struct Tmux {
    socket: String,
}

/// How often the screen is looked at before it is given up, each after a pause.
const LOOKS: u32 = 1_200;
const PAUSE: Duration = Duration::from_millis(50);

impl Tmux {
    /// A terminal with a shell in a folder.
    pub(crate) fn start(folder: &Path, (width, height): (u16, u16)) -> Self {
        let name = folder.file_name().expect("a folder has a name").to_string_lossy();
        let this = Self { socket: format!("squall-{}-{name}", std::process::id()) };
        let (width, height) = (width.to_string(), height.to_string());
        let size = ["-x", &width, "-y", &height];
        let folder = folder.display().to_string();
        // No files of whoever runs the tests: neither tmux's nor the shell's.
        let shell = "exec env -u ENV PS1='> ' LC_ALL=C.UTF-8 sh";
        let start = ["-f", "/dev/null", "new-session", "-d", "-c", &folder];
        this.run(&[&start[..], &size, &[shell]].concat());
        this
    }

    /// Types a line.
    pub(crate) fn enter(&self, line: &str) {
        self.run(&["send-keys", "-l", line]);
        self.keys(&["Enter"]);
    }

    /// Presses keys by name.
    pub(crate) fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    /// What the screen says now. Lines that were too long for it are whole.
    pub(crate) fn screen(&self) -> String {
        self.run(&["capture-pane", "-p", "-J"])
    }

    /// What tmux knows of its window.
    pub(crate) fn format(&self, format: &str) -> String {
        self.run(&["display-message", "-p", format]).trim().to_owned()
    }

    /// Waits until the screen says something.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.watch(text, |_| {})
    }

    /// Looks at the screen until it says something.
    pub(crate) fn watch(&self, text: &str, mut look: impl FnMut(&str)) -> String {
        let mut screen = String::new();
        for _ in 0..LOOKS {
            screen = self.screen();
            look(&screen);
            if screen.contains(text) {
                return screen;
            }
            std::thread::sleep(PAUSE);
        }
        panic!("`{text}` never stood on the screen, which says:\n{screen}");
    }

    fn run(&self, arguments: &[&str]) -> String {
        let mut tmux = Command::new("tmux");
        let ran = tmux.args(["-L", &self.socket]).args(arguments).output();
        let ran = ran.expect("tmux is installed (`cargo xtask test` sees to it)");
        let told = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "tmux {arguments:?}: {told}");
        String::from_utf8_lossy(&ran.stdout).into_owned()
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // What runs in it is hung up on.
        let _ = Command::new("tmux").args(["-L", &self.socket, "kill-server"]).output();
    }
}
