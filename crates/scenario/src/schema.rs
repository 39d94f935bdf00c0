//! What a file may hold, as tables: sections of keys, each with its shape, default and meaning. The
//! readers, the JSON Schema and the reference are all driven by them.

/// A mapping with known keys.
#[derive(Debug)]
pub(crate) struct Section {
    /// Its name: a heading of the reference, a definition of the schema.
    pub(crate) id: &'static str,
    /// As it reads in a sentence: `a fault`.
    pub(crate) phrase: &'static str,
    /// What it is for.
    pub(crate) about: &'static str,
    /// Its keys, in parts so that sections can share them.
    pub(crate) keys: &'static [&'static [Key]],
}

/// A key of a section.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// As it is written.
    pub(crate) name: &'static str,
    /// Whether it may be left out.
    pub(crate) need: Requirement,
    /// What it stands for.
    shape: KeyShape,
    /// What it means.
    pub(crate) meaning: &'static str,
    /// What it was called before.
    pub(crate) was: Option<&'static str>,
    /// What a word is called now that was one of its values before.
    pub(crate) word_now: fn(&str) -> Option<&'static str>,
}

/// What a key stands for: written out beside it, or what its kind says.
#[derive(Clone, Copy, Debug)]
enum KeyShape {
    Of(Schema),
    OfKind(fn() -> Schema),
}

/// Whether a key may be left out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Requirement {
    /// It may not.
    Required,
    /// Exactly one of the keys of its section that are marked so must be there.
    Choice,
    /// It may, and these words say what holds then.
    Default(&'static str),
    /// It may, and this is what holds then, from the `Default` of what it is read into.
    Declared(fn() -> String),
}

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Schema {
    /// Any text.
    Text,
    /// A name that other places refer to.
    Name,
    /// A name that can be a folder's.
    FolderName,
    /// The name of something defined elsewhere in the file.
    Reference(&'static str),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A duration, above zero or not.
    Duration(Least),
    /// A stretch of time, `0s..20s`.
    Stretch,
    /// A moment by the calendar, `2026-11-29T08:00Z`.
    Moment,
    /// A whole number from the first to the last.
    Count(u64, u64),
    /// A number of at least zero.
    Number,
    /// A share, `70%`.
    Percent,
    /// A factor, `3x`.
    Factor,
    /// An address to listen at, `127.0.0.1:8080`.
    Address,
    /// A URL.
    Url,
    /// A key, or `$NAME` for an environment variable.
    Secret,
    /// An expectation.
    Expectation,
    /// A mapping with known keys.
    Section(&'static Section),
    /// A list of such.
    List(&'static Self),
    /// A mapping from names to such.
    Named(&'static Self),
    /// A mapping from names or patterns to such.
    NamedOrPattern(&'static Self),
    /// A name, or a pattern with one `*`.
    Pattern,
    /// Yes or no.
    Flag,
    /// An amount of money.
    Money,
    /// An amount of memory, `16MiB`.
    Bytes,
    /// Whatever fits where it is used.
    Any,
    /// One or the other.
    Either(&'static [Self]),
}

/// The least that a duration may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Least {
    /// Nothing.
    Zero,
    /// More than nothing.
    AboveZero,
}

impl Section {
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static Key> + Clone + use<> {
        let parts: &'static [&'static [Key]] = self.keys;
        parts.iter().flat_map(|part| part.iter())
    }

    /// The keys of which exactly one must be there.
    pub(crate) fn choices(&self) -> impl Iterator<Item = &'static Key> + Clone + use<> {
        self.keys().filter(|key| key.is_choice())
    }

    /// The key that was called so before.
    pub(crate) fn renamed(&self, former: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.was == Some(former))
    }

    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }
}

impl Key {
    pub(crate) const fn required(name: &'static str, shape: Schema, meaning: &'static str) -> Self {
        Self::new(name, Requirement::Required, KeyShape::Of(shape), meaning)
    }

    pub(crate) const fn choice(name: &'static str, shape: Schema, meaning: &'static str) -> Self {
        Self::new(name, Requirement::Choice, KeyShape::Of(shape), meaning)
    }

    /// One of which exactly one must be there, whose shape has keys of its own section in turn.
    pub(crate) const fn choice_within(
        name: &'static str,
        shape: fn() -> Schema,
        meaning: &'static str,
    ) -> Self {
        Self::new(name, Requirement::Choice, KeyShape::OfKind(shape), meaning)
    }

    pub(crate) const fn optional(
        name: &'static str,
        shape: Schema,
        default: &'static str,
        meaning: &'static str,
    ) -> Self {
        Self::new(name, Requirement::Default(default), KeyShape::Of(shape), meaning)
    }

    /// The key of a declared setting.
    pub(crate) const fn declared(
        name: &'static str,
        shape: fn() -> Schema,
        required: bool,
        default: fn() -> String,
        word_now: fn(&str) -> Option<&'static str>,
        meaning: &'static str,
    ) -> Self {
        let need = if required { Requirement::Required } else { Requirement::Declared(default) };
        Self { word_now, ..Self::new(name, need, KeyShape::OfKind(shape), meaning) }
    }

    const fn new(
        name: &'static str,
        need: Requirement,
        shape: KeyShape,
        meaning: &'static str,
    ) -> Self {
        Self { name, need, shape, meaning, was: None, word_now: |_| None }
    }

    /// The same key, which was called otherwise before.
    pub(crate) const fn was(mut self, former: &'static str) -> Self {
        self.was = Some(former);
        self
    }

    /// What it stands for.
    pub(crate) fn shape(&self) -> Schema {
        match self.shape {
            KeyShape::Of(shape) => shape,
            KeyShape::OfKind(shape) => shape(),
        }
    }

    /// What holds where it is left out, for a person; `None` where it may not be.
    pub(crate) fn default_text(&self) -> Option<String> {
        match self.need {
            Requirement::Default(text) => Some(text.to_owned()),
            Requirement::Declared(text) => Some(text()),
            Requirement::Required | Requirement::Choice => None,
        }
    }

    /// Whether it may not be left out.
    pub(crate) const fn is_required(&self) -> bool {
        matches!(self.need, Requirement::Required)
    }

    /// Whether it is one of those of which exactly one must be there.
    pub(crate) const fn is_choice(&self) -> bool {
        matches!(self.need, Requirement::Choice)
    }
}

impl Schema {
    /// Any duration, zero included.
    pub(crate) const DURATION: Self = Self::Duration(Least::Zero);
    /// A duration above zero.
    pub(crate) const SPAN: Self = Self::Duration(Least::AboveZero);
    /// A whole number above zero.
    pub(crate) const COUNT: Self = Self::Count(1, u32::MAX as u64);

    /// What it is, for a person, with an example: ``a duration such as `20s` ``.
    pub(crate) fn wanted(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Name | Self::FolderName => "a name".to_owned(),
            Self::Reference(what) => format!("the name of a {what}"),
            Self::Word(words) => {
                let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
                words.join(" or ")
            }
            Self::Duration(_) => "a duration such as `20s`".to_owned(),
            Self::Stretch => "a stretch of time such as `0s..20s`".to_owned(),
            Self::Moment => "a time such as `2026-11-29T08:00Z`".to_owned(),
            Self::Count(..) => "a whole number".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Percent => "a share such as `70%`".to_owned(),
            Self::Factor => "a factor such as `3x`".to_owned(),
            Self::Address => "an address such as `127.0.0.1:8080`".to_owned(),
            Self::Url => "a URL such as `http://127.0.0.1:8080/v1`".to_owned(),
            Self::Secret => "a key, or `$NAME` for an environment variable".to_owned(),
            Self::Expectation => "an expectation such as `success_rate >= 99%`".to_owned(),
            Self::Section(section) => section.phrase.to_owned(),
            Self::List(of) => format!("a list of {}", plural(of)),
            Self::Named(of) => format!("a mapping from names to {}", plural(of)),
            Self::NamedOrPattern(of) => format!("a mapping from names to {}", plural(of)),
            Self::Pattern => "a name, or a pattern with one `*`".to_owned(),
            Self::Flag => "`true` or `false`".to_owned(),
            Self::Money => "an amount of money such as `$5`".to_owned(),
            Self::Bytes => "an amount of memory such as `16MiB`".to_owned(),
            Self::Any => "a value".to_owned(),
            Self::Either(shapes) => {
                let wanted: Vec<_> = shapes.iter().map(Self::wanted).collect();
                wanted.join(", or ")
            }
        }
    }
}

/// What several of a shape are, for a person.
fn plural(shape: &Schema) -> String {
    match shape {
        Schema::Section(section) => format!("{}s", section.id.replace('-', " ")),
        Schema::Stretch => "stretches of time such as `0s..20s`".to_owned(),
        Schema::Expectation => "expectations such as `success_rate >= 99%`".to_owned(),
        Schema::Reference(what) => format!("names of {what}s"),
        Schema::Name | Schema::Pattern => "names".to_owned(),
        Schema::Text
        | Schema::FolderName
        | Schema::Word(_)
        | Schema::Duration(_)
        | Schema::Moment
        | Schema::Count(..)
        | Schema::Number
        | Schema::Percent
        | Schema::Factor
        | Schema::Address
        | Schema::Url
        | Schema::Secret
        | Schema::Flag
        | Schema::Money
        | Schema::Bytes
        | Schema::Any
        | Schema::List(_)
        | Schema::Named(_)
        | Schema::NamedOrPattern(_) => "values".to_owned(),
        Schema::Either(shapes) => {
            let kinds: Vec<_> = shapes.iter().map(plural).collect();
            kinds.join(", or ")
        }
    }
}
