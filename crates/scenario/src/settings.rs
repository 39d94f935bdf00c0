//! Settings, each declared once. A table says of every setting of a struct its key, its field, its kind
//! and what it means; from the table come the reader, the writer, the documented default (written from
//! `Default` of the struct), the JSON Schema, the reference, and what differs between two values.
//!
//! ```ignore
//! settings! {
//!     /// The time-outs of an attempt.
//!     pub(crate) static TIMEOUTS: Timeouts = ("timeouts", "time-outs", "Time-outs of an attempt.");
//!     /// To be connected.
//!     connect: Span;
//!     /// Between two tokens of a stream.
//!     between_tokens: Span;
//! }
//! ```
//!
//! The documentation of a setting is its meaning in the reference. `key => field.of.the.struct: Kind;` is for
//! a key that is called otherwise than its field, `#[was("old")]` for one that was called otherwise before. A
//! kind ([`kinds`]) reads and writes one type; a value that has several forms in a file has a kind of its own
//! beside its table, such as a cooldown, which is `never` or a section.

mod kinds;
mod written;

pub(crate) use kinds::{
    Address, Bytes, Count, Flag, In, Maybe, NEVER, OrNever, PerMillion, Percent, Required, Span,
    Text, Time, Told, ValueKind, Vocabulary, Word, vocabulary,
};
pub use written::Written;
pub(crate) use written::{bytes, count, dollars, duration, factor, quoted, share};

use crate::fields::Fields;
use crate::schema::{Key, Section};

/// The settings of a `T` that are a section of a file.
#[derive(Debug)]
pub(crate) struct SettingTable<T: 'static> {
    /// What the section is, with its keys.
    pub(crate) section: Section,
    /// The settings, in the order of the keys.
    pub(crate) lenses: &'static [SettingLens<T>],
    /// What the settings may not be together.
    pub(crate) check: fn(&Fields<'_>, &T),
}

/// Some of the settings of a `T`: those of a section that has other keys as well.
#[derive(Debug)]
pub(crate) struct SettingPart<T: 'static> {
    /// Their keys.
    pub(crate) keys: &'static [Key],
    /// The settings, in the order of the keys.
    pub(crate) lenses: &'static [SettingLens<T>],
}

/// One setting: how it is read into a `T`, and written from one.
#[derive(Debug)]
pub(crate) struct SettingLens<T> {
    /// Its key.
    pub(crate) name: &'static str,
    /// Reads it, if it stands in the file, over what `T` has.
    pub(crate) read: fn(&Fields<'_>, &mut T),
    /// Its value as a file writes it.
    pub(crate) write: fn(&T) -> Written,
}

impl<T> SettingTable<T> {
    /// The keys, for another section that has them as well.
    pub(crate) const fn keys(&self) -> &'static [Key] {
        self.section.keys[0]
    }

    /// Every setting.
    pub(crate) fn write(&self, value: &T) -> Written {
        Written::Map(write(self.lenses, value))
    }
}

impl<T: Clone> SettingTable<T> {
    /// The settings that stand in a section that was opened, over those of `over`.
    pub(crate) fn read(&self, fields: &Fields<'_>, over: &T) -> T {
        let mut value = over.clone();
        read(self.lenses, fields, &mut value);
        (self.check)(fields, &value);
        value
    }
}

impl<T> SettingPart<T> {
    /// Every setting.
    pub(crate) fn write(&self, value: &T) -> Vec<(String, Written)> {
        write(self.lenses, value)
    }

    /// The settings that stand in a section that was opened, over those of `value`.
    pub(crate) fn read(&self, fields: &Fields<'_>, value: &mut T) {
        read(self.lenses, fields, value);
    }
}

fn read<T>(lenses: &[SettingLens<T>], fields: &Fields<'_>, value: &mut T) {
    for lens in lenses {
        (lens.read)(fields, value);
    }
}

fn write<T>(lenses: &[SettingLens<T>], value: &T) -> Vec<(String, Written)> {
    lenses.iter().map(|lens| (lens.name.to_owned(), (lens.write)(value))).collect()
}

/// Reads the setting `name` into its place, as its kind says.
pub(crate) fn read_setting<K: ValueKind>(
    kind: &K,
    name: &str,
    fields: &Fields<'_>,
    place: &mut K::Value,
) {
    let Some(node) = fields.get(name) else { return };
    if let Some(value) = kind.read(node, place, fields.problems) {
        *place = value;
    }
}

/// Declares settings: see the documentation of [this module](crate::settings).
macro_rules! settings {
    (
        $(#[$doc:meta])*
        $vis:vis static $name:ident: $of:ty = ($id:literal, $phrase:literal, $about:expr $(, $check:expr)?);
        $(
            $(#[doc = $meaning:literal])+
            $(#[was($former:literal)])?
            $key:ident $(=> $field:ident $(. $more:ident)*)? : $kind:expr;
        )+
    ) => {
        $(#[$doc])*
        $vis static $name: $crate::settings::SettingTable<$of> = $crate::settings::SettingTable {
            section: $crate::schema::Section {
                id: $id,
                phrase: $phrase,
                about: $about,
                keys: &[&[$($crate::settings::settings!(
                    @key $of, $key ($($field $($more)*)?) $kind, concat!($($meaning),+) $(, $former)?
                )),+]],
            },
            lenses: &[$($crate::settings::settings!(
                @lens $of, $key ($($field $($more)*)?) $kind
            )),+],
            check: $crate::settings::settings!(@check $of $(, $check)?),
        };
    };
    (
        $(#[$doc:meta])*
        $vis:vis static $name:ident: $of:ty;
        $(
            $(#[doc = $meaning:literal])+
            $(#[was($former:literal)])?
            $key:ident $(=> $field:ident $(. $more:ident)*)? : $kind:expr;
        )+
    ) => {
        $(#[$doc])*
        $vis static $name: $crate::settings::SettingPart<$of> = $crate::settings::SettingPart {
            keys: &[$($crate::settings::settings!(
                @key $of, $key ($($field $($more)*)?) $kind, concat!($($meaning),+) $(, $former)?
            )),+],
            lenses: &[$($crate::settings::settings!(
                @lens $of, $key ($($field $($more)*)?) $kind
            )),+],
        };
    };
    (@key $of:ty, $key:ident ($($path:ident)*) $kind:expr, $meaning:expr $(, $former:literal)?) => {
        $crate::schema::Key::declared(
            stringify!($key),
            || $crate::settings::ValueKind::shape(&$kind),
            $crate::settings::required(&$kind),
            || {
                let of = <$of>::default();
                let value = &$crate::settings::settings!(@at of $key $($path)*);
                $crate::settings::ValueKind::default_text(&$kind, value)
            },
            |word| $crate::settings::ValueKind::word_now(&$kind, word),
            $meaning.trim_ascii_start(),
        )
        $(.was($former))?
    };
    (@lens $of:ty, $key:ident ($($path:ident)*) $kind:expr) => {
        $crate::settings::SettingLens {
            name: stringify!($key),
            read: |fields, of: &mut $of| {
                let place = &mut $crate::settings::settings!(@at of $key $($path)*);
                $crate::settings::read_setting(&$kind, stringify!($key), fields, place);
            },
            write: |of: &$of| {
                let value = &$crate::settings::settings!(@at of $key $($path)*);
                $crate::settings::ValueKind::write(&$kind, value)
            },
        }
    };
    (@at $value:ident $key:ident) => { $value.$key };
    (@at $value:ident $key:ident $($path:ident)+) => { $value$(.$path)+ };
    (@check $of:ty) => { |_, _| () };
    (@check $of:ty, $check:expr) => { $check };
}

pub(crate) use settings;

/// Whether a kind has no default.
pub(crate) const fn required<K: ValueKind>(_: &K) -> bool {
    K::REQUIRED
}

#[cfg(test)]
mod tests;
