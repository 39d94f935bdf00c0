//! Requests and replies as flat lists of words, which is what a script takes and gives.
//!
//! Identifiers are sixteen hexadecimal digits, since numbers of scripts are floating point. A cooldown of -1 ms stands for
//! a deployment that has recovered.

use squall_shared_state::{
    DeploymentKey, Draw, Grant, Notice, NoticeState, ResourceKey, StoreConfig, SyncError,
    SyncReply, SyncRequest,
};

/// Exact in floating point.
const MAX_NUMBER: u64 = 1 << 52;

/// A request, with the store's timing and a name for its life if this is the first request of it.
#[must_use]
pub fn arguments(request: &SyncRequest, config: &StoreConfig, new_epoch: u64) -> Vec<String> {
    let mut words = ScriptWords::default();
    words.number(u64::from(request.version));
    words.id(request.replica);
    words.number(request.number);
    words.id(request.epoch);
    words.number(request.members);
    words.flag(request.restate);
    words.flag(request.leaving);
    words.number(request.seen);
    words.number(config.lease_ms);
    words.number(config.forget_ms);
    words.number(config.probe_ms);
    words.number(config.max_members as u64);
    words.id(new_epoch);
    words.number(request.draws.len() as u64);
    request.draws.iter().for_each(|draw| words.draw(draw));
    words.number(request.notices.len() as u64);
    request.notices.iter().for_each(|notice| words.notice(notice));
    words.number(request.probes.len() as u64);
    request.probes.iter().for_each(|probe| words.id(probe.0));
    words.0
}

#[derive(Debug, Default)]
struct ScriptWords(Vec<String>);

impl ScriptWords {
    fn number(&mut self, number: u64) {
        self.0.push(number.min(MAX_NUMBER).to_string());
    }

    fn id(&mut self, id: u64) {
        self.0.push(format!("{id:016x}"));
    }

    fn flag(&mut self, flag: bool) {
        self.number(u64::from(flag));
    }

    fn draw(&mut self, draw: &Draw) {
        self.id(draw.resource.key.0);
        let Draw { used, refunded, kept, want, alone, share, .. } = *draw;
        let resource = [draw.resource.limit, draw.resource.window_ms];
        let numbers = resource.into_iter().chain([used, refunded, kept, want, alone, share]);
        numbers.for_each(|number| self.number(number));
        self.number(draw.history.len() as u64);
        for usage in &draw.history {
            self.number(usage.age_ms);
            self.number(usage.units);
        }
    }

    fn notice(&mut self, notice: &Notice) {
        self.id(notice.deployment.0);
        match notice.state {
            NoticeState::Out { remaining_ms, cause } => {
                self.number(remaining_ms);
                self.number(u64::from(cause));
            }
            NoticeState::Recovered => {
                self.0.push("-1".to_owned());
                self.number(0);
            }
        }
    }
}

/// What a script has answered.
///
/// # Errors
/// What is wrong with it, if it is no answer of our script.
pub fn reply(words: &[String]) -> Result<Result<SyncReply, SyncError>, String> {
    let mut words = ReplyReader { words, place: 0 };
    let reply = match words.next()? {
        "ok" => Ok(words.reply()?),
        "version" => Err(SyncError::Version { store: words.small()? }),
        "stale" => Err(SyncError::Stale { latest: words.number()? }),
        "too_large" => Err(SyncError::TooLarge),
        "too_many_members" => Err(SyncError::TooManyMembers),
        other => return Err(format!("it begins with `{}`", shortened(other))),
    };
    match words.words.len() - words.place {
        0 => Ok(reply),
        rest => Err(format!("it has {rest} words too many")),
    }
}

struct ReplyReader<'a> {
    words: &'a [String],
    place: usize,
}

impl<'a> ReplyReader<'a> {
    fn next(&mut self) -> Result<&'a str, String> {
        let word = self.words.get(self.place);
        self.place += 1;
        word.map(String::as_str).ok_or_else(|| format!("it ends after {} words", self.words.len()))
    }

    fn wrong(&self, what: &str, word: &str) -> String {
        format!("word {} is `{}` in place of {what}", self.place, shortened(word))
    }

    fn number(&mut self) -> Result<u64, String> {
        let word = self.next()?;
        word.parse().map_err(|_| self.wrong("a number", word))
    }

    fn small<T: TryFrom<u64>>(&mut self) -> Result<T, String> {
        let number = self.number()?;
        T::try_from(number).map_err(|_| self.wrong("a small number", &number.to_string()))
    }

    fn id(&mut self) -> Result<u64, String> {
        let word = self.next()?;
        let is_id = word.len() == 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = is_id.then(|| u64::from_str_radix(word, 16).ok()).flatten();
        id.ok_or_else(|| self.wrong("sixteen hexadecimal digits", word))
    }

    fn flag(&mut self) -> Result<bool, String> {
        Ok(self.number()? != 0)
    }

    /// As many as it says, and no more than there are words.
    fn list<T>(&mut self, read: impl Fn(&mut Self) -> Result<T, String>) -> Result<Vec<T>, String> {
        let count: usize = self.small()?;
        (0..count.min(self.words.len())).map(|_| read(self)).collect()
    }

    fn reply(&mut self) -> Result<SyncReply, String> {
        Ok(SyncReply {
            number: self.number()?,
            epoch: self.id()?,
            members: self.number()?,
            restate: self.flag()?,
            lease_ms: self.number()?,
            probe_ms: self.number()?,
            sequence: self.number()?,
            grants: self.list(Self::grant)?,
            notices: self.list(Self::notice)?,
            permits: self.list(|words| words.id().map(DeploymentKey))?,
        })
    }

    fn grant(&mut self) -> Result<Grant, String> {
        Ok(Grant {
            resource: ResourceKey(self.id()?),
            allowed: self.number()?,
            alone: self.number()?,
            share: self.number()?,
            scarce: self.flag()?,
            used: self.number()?,
            short: self.flag()?,
        })
    }

    fn notice(&mut self) -> Result<Notice, String> {
        let deployment = DeploymentKey(self.id()?);
        let recovered = self.words.get(self.place).is_some_and(|word| word == "-1");
        let state = if recovered {
            self.place += 1;
            self.number()?;
            NoticeState::Recovered
        } else {
            NoticeState::Out { remaining_ms: self.number()?, cause: self.small()? }
        };
        Ok(Notice { deployment, state })
    }
}

/// As much of a foreign word as a message has room for.
fn shortened(word: &str) -> String {
    word.chars().take(40).flat_map(char::escape_default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn an_answer_that_is_none_of_ours_is_told_by_its_first_wrong_word() {
        for (text, problem) in [
            ("", "it begins with ``"),
            ("OK", "it begins with `OK`"),
            ("ok", "it ends after 1 words"),
            ("ok 1 zz 1 0 1 1 1 0 0 0", "word 3 is `zz` in place of sixteen hexadecimal digits"),
            ("stale -4", "word 2 is `-4` in place of a number"),
            ("stale 4 4", "it has 1 words too many"),
            ("ok 1 00000000000000ff 1 0 1 1 1 999999999 0 0", "sixteen hexadecimal digits"),
        ] {
            let refused = reply(&words(text)).expect_err(text);
            assert!(refused.contains(problem), "{text}: {refused}");
        }
    }

    #[test]
    fn an_answer_of_ours_is_read_word_by_word() {
        let text = "ok 7 00000000000000ff 3 0 1000 9000 12 1 0000000000000001 5 4 3 1 9 0 2 \
                    000000000000000a 250 4 000000000000000b -1 0 1 000000000000000a";
        let read = reply(&words(text)).expect("ours").expect("taken");
        assert_eq!((read.number, read.epoch, read.members, read.sequence), (7, 255, 3, 12));
        let grant = Grant {
            resource: ResourceKey(1),
            allowed: 5,
            alone: 4,
            share: 3,
            scarce: true,
            used: 9,
            short: false,
        };
        assert_eq!(read.grants, [grant]);
        assert_eq!(read.notices[0].state, NoticeState::Out { remaining_ms: 250, cause: 4 });
        assert_eq!(read.notices[1].state, NoticeState::Recovered);
        assert_eq!(read.permits, [DeploymentKey(10)]);
    }
}
