//! Kinds of settings: what a value is in a file and in memory, and how one becomes the other.

use super::{SettingTable, Written, written};
use crate::diagnostic::Problems;
use crate::fields::Fields;
use crate::node::{Node, NodeKind};
use crate::schema::{Least, Schema};
use crate::{unit, value};
use core::marker::PhantomData;
use core::net::SocketAddr;
use core::time::Duration;
use squall_determinism::Share;
use squall_router::Money;

/// What a setting is in a file and in memory. Reading what was written gives the same value.
pub(crate) trait ValueKind {
    /// What it is in memory.
    type Value;

    /// Whether a file has to say it.
    const REQUIRED: bool = false;

    /// What may stand in a file.
    fn shape(&self) -> Schema;

    /// Reads what stands at `node`, over what held without it. `None` where it cannot be read, which is
    /// among the problems then.
    fn read(&self, node: &Node, over: &Self::Value, problems: &Problems) -> Option<Self::Value>;

    /// What stands in a file for a value.
    fn write(&self, value: &Self::Value) -> Written;

    /// What a word is called now that was one of the values before.
    fn word_now(&self, _: &str) -> Option<&'static str> {
        None
    }

    /// What holds where a file says nothing, for a person.
    fn default_text(&self, default: &Self::Value) -> String {
        self.write(default).to_string()
    }
}

/// A duration above zero.
pub(crate) struct Span;

impl ValueKind for Span {
    type Value = Duration;

    fn shape(&self) -> Schema {
        Schema::SPAN
    }

    fn read(&self, node: &Node, _: &Duration, problems: &Problems) -> Option<Duration> {
        value::duration(node, Least::AboveZero, problems)
    }

    fn write(&self, value: &Duration) -> Written {
        Written::plain(written::duration(*value))
    }
}

/// A duration.
pub(crate) struct Time;

impl ValueKind for Time {
    type Value = Duration;

    fn shape(&self) -> Schema {
        Schema::DURATION
    }

    fn read(&self, node: &Node, _: &Duration, problems: &Problems) -> Option<Duration> {
        value::duration(node, Least::Zero, problems)
    }

    fn write(&self, value: &Duration) -> Written {
        Written::plain(written::duration(*value))
    }
}

/// A share, `70%`.
pub(crate) struct Percent;

impl ValueKind for Percent {
    type Value = Share;

    fn shape(&self) -> Schema {
        Schema::Percent
    }

    fn read(&self, node: &Node, _: &Share, problems: &Problems) -> Option<Share> {
        value::parsed(node, &Schema::Percent, problems, unit::share)
    }

    fn write(&self, value: &Share) -> Written {
        Written::plain(written::share(*value))
    }
}

/// A whole number of type `N` between two.
pub(crate) struct Count<N> {
    least: u64,
    most: u64,
    of: PhantomData<N>,
}

impl<N> Count<N> {
    /// From the first to the second, which `N` has room for.
    pub(crate) const fn between(least: u64, most: u64) -> Self {
        Self { least, most, of: PhantomData }
    }

    /// From one to as many as 32 bits hold.
    pub(crate) const SOME: Self = Self::between(1, u32::MAX as u64);

    /// From zero to as many as 32 bits hold.
    pub(crate) const ANY: Self = Self::between(0, u32::MAX as u64);
}

impl<N: Copy + TryFrom<u64> + TryInto<u64>> ValueKind for Count<N> {
    type Value = N;

    fn shape(&self) -> Schema {
        Schema::Count(self.least, self.most)
    }

    fn read(&self, node: &Node, _: &N, problems: &Problems) -> Option<N> {
        value::count(node, self.least, self.most, problems)
            .and_then(|count| N::try_from(count).ok())
    }

    fn write(&self, value: &N) -> Written {
        Written::plain(written::count((*value).try_into().unwrap_or(u64::MAX)))
    }
}

/// Yes or no.
pub(crate) struct Flag;

impl ValueKind for Flag {
    type Value = bool;

    fn shape(&self) -> Schema {
        Schema::Flag
    }

    fn read(&self, node: &Node, _: &bool, problems: &Problems) -> Option<bool> {
        value::word(node, &["true", "false"], problems).map(|word| word == "true")
    }

    fn write(&self, value: &bool) -> Written {
        Written::plain(value.to_string())
    }
}

/// An amount of memory, `16MiB`.
pub(crate) struct Bytes;

impl ValueKind for Bytes {
    type Value = usize;

    fn shape(&self) -> Schema {
        Schema::Bytes
    }

    fn read(&self, node: &Node, _: &usize, problems: &Problems) -> Option<usize> {
        let bytes = value::parsed(node, &Schema::Bytes, problems, unit::bytes)?;
        Some(usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    fn write(&self, value: &usize) -> Written {
        Written::plain(written::bytes(*value as u64))
    }
}

/// Any text.
pub(crate) struct Text;

impl ValueKind for Text {
    type Value = String;

    fn shape(&self) -> Schema {
        Schema::Text
    }

    fn read(&self, node: &Node, _: &String, problems: &Problems) -> Option<String> {
        value::scalar(node, &Schema::Text, problems).map(str::to_owned)
    }

    fn write(&self, value: &String) -> Written {
        Written::text(value)
    }
}

/// An address to listen at.
pub(crate) struct Address;

impl ValueKind for Address {
    type Value = SocketAddr;

    fn shape(&self) -> Schema {
        Schema::Address
    }

    fn read(&self, node: &Node, _: &SocketAddr, problems: &Problems) -> Option<SocketAddr> {
        value::parsed(node, &Schema::Address, problems, |text| {
            text.parse().map_err(|_| {
                let message = format!("`{text}` is not an address");
                let label = "expected an address and a port such as `127.0.0.1:8080`";
                unit::Misfit::new(message, label)
            })
        })
    }

    fn write(&self, value: &SocketAddr) -> Written {
        Written::text(value.to_string())
    }
}

/// What a token costs, as dollars for a million of them.
pub(crate) struct PerMillion;

impl ValueKind for PerMillion {
    type Value = Money;

    fn shape(&self) -> Schema {
        Schema::Money
    }

    fn read(&self, node: &Node, _: &Money, problems: &Problems) -> Option<Money> {
        let million = value::parsed(node, &Schema::Money, problems, unit::money)?;
        Some(Money(million / 1_000_000))
    }

    fn write(&self, value: &Money) -> Written {
        Written::plain(written::dollars(Money(value.0.saturating_mul(1_000_000))))
    }
}

/// The words for the values of a type.
#[derive(Debug)]
pub(crate) struct Vocabulary<T: 'static> {
    /// The words.
    pub(crate) words: &'static [&'static str],
    /// What each stands for.
    pub(crate) values: &'static [T],
    /// The word for a value.
    pub(crate) word: fn(&T) -> &'static str,
}

/// Declares the words for the values of an enum. A value without a word does not compile.
macro_rules! vocabulary {
    (
        $(#[$doc:meta])*
        $vis:vis static $name:ident: $of:ty = $($word:literal => $value:path),+ $(,)?;
    ) => {
        $(#[$doc])*
        $vis static $name: $crate::settings::Vocabulary<$of> = $crate::settings::Vocabulary {
            words: &[$($word),+],
            values: &[$($value),+],
            word: |value| match value {
                $($value => $word),+
            },
        };
    };
}

pub(crate) use vocabulary;

/// One of the words of a vocabulary.
pub(crate) struct Word<T: 'static>(pub(crate) &'static Vocabulary<T>);

impl<T: Copy> ValueKind for Word<T> {
    type Value = T;

    fn shape(&self) -> Schema {
        Schema::Word(self.0.words)
    }

    fn read(&self, node: &Node, _: &T, problems: &Problems) -> Option<T> {
        let word = value::word(node, self.0.words, problems)?;
        let place = self.0.words.iter().position(|known| *known == word)?;
        self.0.values.get(place).copied()
    }

    fn write(&self, value: &T) -> Written {
        Written::plain((self.0.word)(value))
    }
}

/// A section, over the settings that hold without it.
pub(crate) struct In<T: 'static>(pub(crate) &'static SettingTable<T>);

impl<T: Clone> ValueKind for In<T> {
    type Value = T;

    fn shape(&self) -> Schema {
        Schema::Section(&self.0.section)
    }

    fn read(&self, node: &Node, over: &T, problems: &Problems) -> Option<T> {
        let fields = Fields::open(node, &self.0.section, problems)?;
        Some(self.0.read(&fields, over))
    }

    fn write(&self, value: &T) -> Written {
        self.0.write(value)
    }

    fn default_text(&self, _: &T) -> String {
        "as below".to_owned()
    }
}

/// `never`, or the settings of a table: `OrNever(&TABLE, OR_NEVER)`, where `OR_NEVER` lists both forms as
/// `&[NEVER, Schema::Section(&TABLE.section)]`.
pub(crate) struct OrNever<T: 'static>(
    pub(crate) &'static SettingTable<T>,
    pub(crate) &'static [Schema],
);

/// The word for what never happens.
pub(crate) const NEVER: Schema = Schema::Word(NEVER_WORDS);
const NEVER_WORDS: &[&str] = &["never"];

impl<T: Clone + Default> ValueKind for OrNever<T> {
    type Value = Option<T>;

    fn shape(&self) -> Schema {
        Schema::Either(self.1)
    }

    fn read(&self, node: &Node, over: &Self::Value, problems: &Problems) -> Option<Self::Value> {
        if matches!(node.kind, NodeKind::Map(_)) {
            return In(self.0).read(node, &over.clone().unwrap_or_default(), problems).map(Some);
        }
        value::word(node, NEVER_WORDS, problems).map(|_| None)
    }

    fn write(&self, value: &Self::Value) -> Written {
        value.as_ref().map_or_else(|| Written::plain("never"), |value| self.0.write(value))
    }

    fn default_text(&self, _: &Self::Value) -> String {
        "as below".to_owned()
    }
}

/// A value that may be left out, with what holds then, for a person.
pub(crate) struct Maybe<K>(pub(crate) K, pub(crate) &'static str);

impl<K: ValueKind<Value: Clone + Default>> ValueKind for Maybe<K> {
    type Value = Option<K::Value>;

    fn shape(&self) -> Schema {
        self.0.shape()
    }

    fn read(
        &self,
        node: &Node,
        over: &Self::Value,
        problems: &Problems,
    ) -> Option<Option<K::Value>> {
        let over = over.clone().unwrap_or_default();
        self.0.read(node, &over, problems).map(Some)
    }

    fn write(&self, value: &Self::Value) -> Written {
        value.as_ref().map_or(Written::Unset, |value| self.0.write(value))
    }

    fn default_text(&self, _: &Self::Value) -> String {
        self.1.to_owned()
    }
}

/// A value whose default hangs on other settings, which a person is told in words.
pub(crate) struct Told<K>(pub(crate) K, pub(crate) &'static str);

impl<K: ValueKind> ValueKind for Told<K> {
    type Value = K::Value;

    fn shape(&self) -> Schema {
        self.0.shape()
    }

    fn read(&self, node: &Node, over: &K::Value, problems: &Problems) -> Option<K::Value> {
        self.0.read(node, over, problems)
    }

    fn write(&self, value: &K::Value) -> Written {
        self.0.write(value)
    }

    fn default_text(&self, _: &K::Value) -> String {
        self.1.to_owned()
    }
}

/// A value that a file has to say.
pub(crate) struct Required<K>(pub(crate) K);

impl<K: ValueKind> ValueKind for Required<K> {
    type Value = K::Value;

    const REQUIRED: bool = true;

    fn shape(&self) -> Schema {
        self.0.shape()
    }

    fn read(&self, node: &Node, over: &K::Value, problems: &Problems) -> Option<K::Value> {
        self.0.read(node, over, problems)
    }

    fn write(&self, value: &K::Value) -> Written {
        self.0.write(value)
    }
}
