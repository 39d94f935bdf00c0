//! Colours and sizes. Deployments take the palette of Okabe and Ito in an order of their own, which
//! people of every colour vision can tell apart; groups and totals are grey; red means failed and
//! indigo throttled, and neither means anything else.

use squall_failure::FailureClass;

/// A colour on white paper and its counterpart on dark paper, and how opaque it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ink {
    pub(super) rgb: Rgb,
    pub(super) dark: Rgb,
    pub(super) alpha: f64,
}

/// Red, green and blue.
pub(super) type Rgb = (u8, u8, u8);

impl Ink {
    const fn new(rgb: Rgb, dark: Rgb) -> Self {
        Self { rgb, dark, alpha: 1.0 }
    }

    pub(super) const fn faded(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }

    /// Its colour on white paper, in hexadecimal.
    pub(super) fn hex(self) -> String {
        let (r, g, b) = self.rgb;
        format!("#{r:02X}{g:02X}{b:02X}")
    }

    /// The ink mixed with another colour, of which it takes so many parts of 16.
    const fn mixed(self, with: Rgb, parts: u16) -> Self {
        Self { rgb: mix(self.rgb, with, parts), dark: mix(self.dark, with, parts), ..self }
    }
}

const fn mix(one: Rgb, other: Rgb, parts: u16) -> Rgb {
    const fn channel(one: u8, other: u8, parts: u16) -> u8 {
        ((one as u16 * (16 - parts) + other as u16 * parts) / 16) as u8
    }
    (channel(one.0, other.0, parts), channel(one.1, other.1, parts), channel(one.2, other.2, parts))
}

const BLACK: Rgb = (0, 0, 0);
const WHITE: Rgb = (255, 255, 255);

pub(super) const PAPER: Ink = Ink::new(WHITE, (22, 26, 31));
pub(super) const TEXT: Ink = Ink::new((31, 41, 55), (229, 231, 235));
pub(super) const QUIET: Ink = Ink::new((94, 101, 115), (156, 163, 175));
pub(super) const GRID: Ink = Ink::new((232, 234, 238), (43, 49, 56));
pub(super) const AXIS: Ink = Ink::new((156, 163, 175), (107, 114, 128));
/// Failed, and the faults that are behind it.
pub(super) const FAILED: Ink = Ink::new((196, 62, 0), (255, 122, 64));
/// Throttled: asked for patience.
pub(super) const THROTTLED: Ink = Ink::new((94, 60, 153), (167, 139, 250));
/// All together.
pub(super) const TOTAL: Ink = TEXT;
/// The highest of several percentiles.
pub(super) const HIGHEST: Ink = Ink::new((132, 140, 153), (118, 126, 140));
/// What is beside the point, behind it.
pub(super) const PALE: Ink = AXIS;

/// More of something, from the least to the most, and later times: paler to stronger on white paper, and darker to
/// brighter on dark paper.
pub(super) const HEAT: [Ink; 6] = [
    Ink::new((214, 230, 244), (27, 50, 76)),
    Ink::new((171, 207, 229), (30, 74, 112)),
    Ink::new((107, 174, 214), (36, 104, 153)),
    Ink::new((55, 135, 192), (58, 141, 196)),
    Ink::new((16, 91, 164), (112, 184, 230)),
    Ink::new((8, 48, 107), (190, 225, 250)),
];
/// Why a request took another attempt.
pub(super) const RETRY: Ink = Ink::new((0, 121, 140), (56, 184, 204));
pub(super) const FALLBACK: Ink = Ink::new((214, 137, 16), (244, 180, 74));
pub(super) const CLIENT_RETRY: Ink = Ink::new((176, 42, 88), (242, 128, 166));
pub(super) const HEDGE: Ink = Ink::new((140, 70, 130), (212, 140, 204));

/// Over what is not counted.
pub(super) const VEIL: Ink = Ink::new((222, 225, 230), (40, 45, 52)).faded(0.72);

const DEPLOYMENTS: [Ink; 7] = [
    Ink::new((0, 114, 178), (74, 159, 224)),
    Ink::new((230, 159, 0), (240, 180, 41)),
    Ink::new((0, 158, 115), (47, 191, 145)),
    Ink::new((204, 121, 167), (227, 154, 196)),
    Ink::new((86, 180, 233), (154, 212, 245)),
    Ink::new((121, 85, 72), (181, 139, 122)),
    Ink::new((74, 74, 74), (201, 205, 211)),
];

/// The colour of a deployment, the same on every chart. Beyond the palette it is a darker and then a paler one, and
/// its lines are [dashed](is_dashed).
pub(super) fn deployment(number: usize) -> Ink {
    let ink = DEPLOYMENTS[number % DEPLOYMENTS.len()];
    match number / DEPLOYMENTS.len() % 3 {
        0 => ink,
        1 => ink.mixed(BLACK, 6),
        _ => ink.mixed(WHITE, 7),
    }
}

/// Whether the lines of a deployment are dashed: those whose colour is near that of another one.
pub(super) const fn is_dashed(number: usize) -> bool {
    number >= DEPLOYMENTS.len()
}

/// The colour of a class of failure, by its code; the last is for what was given up.
const CLASSES: [Ink; FailureClass::ALL.len() + 1] = [
    THROTTLED,
    FAILED,
    Ink::new((122, 22, 22), (214, 74, 74)),
    Ink::new((0, 121, 140), (56, 184, 204)),
    Ink::new((66, 66, 66), (176, 180, 186)),
    Ink::new((0, 77, 64), (46, 150, 130)),
    Ink::new((216, 27, 96), (244, 92, 148)),
    Ink::new((141, 110, 99), (188, 160, 150)),
    Ink::new((158, 157, 36), (200, 199, 84)),
    Ink::new((69, 90, 100), (130, 156, 168)),
    Ink::new((171, 71, 188), (206, 124, 220)),
    Ink::new((92, 107, 192), (140, 154, 232)),
    Ink::new((245, 124, 0), (255, 160, 64)),
    Ink::new((130, 119, 23), (184, 172, 66)),
    Ink::new((84, 110, 122), (144, 172, 184)),
    Ink::new((49, 27, 146), (124, 106, 220)),
    Ink::new((173, 20, 87), (226, 84, 146)),
    PALE,
];

/// The colour of a class of failure, by its code.
pub(super) fn class(code: usize) -> Ink {
    CLASSES[code.min(CLASSES.len() - 1)]
}

/// How a chart is laid out. Both have letters of the same size.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Layout {
    /// For desks, for print, and for files.
    Wide,
    /// For phones, and for two columns: captions stand above their panels.
    Narrow,
}

impl Layout {
    /// How wide the chart is; the report shows it at about this size.
    pub(super) const fn width(self) -> f64 {
        match self {
            Self::Wide => 1_080.0,
            Self::Narrow => 400.0,
        }
    }

    /// Where the title and all texts beside panels begin.
    pub(super) const fn margin(self) -> f64 {
        match self {
            Self::Wide => 24.0,
            Self::Narrow => 12.0,
        }
    }

    /// The room at the right edge of a wide chart, for captions.
    pub(super) const CAPTIONS: f64 = 140.0;

    /// How wide the name of a deployment in a caption may be.
    pub(super) const fn name_room(self) -> f64 {
        match self {
            Self::Wide => Self::CAPTIONS - 33.0,
            Self::Narrow => 360.0,
        }
    }

    /// How many bins a chart has at most.
    pub(super) const fn bins(self) -> usize {
        match self {
            Self::Wide => 180,
            Self::Narrow => 100,
        }
    }

    /// How many times a time axis names at most.
    pub(super) const fn times(self) -> f64 {
        match self {
            Self::Wide => 10.0,
            Self::Narrow => 4.0,
        }
    }
}

/// Sizes of text: the em, in pixels.
pub(super) const TITLE: f64 = 18.0;
pub(super) const BODY: f64 = 13.0;
pub(super) const SMALL: f64 = 12.0;
