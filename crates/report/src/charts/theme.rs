//! Colours and sizes. Deployments take the palette of Okabe and Ito in an order of their own, which
//! people of every colour vision can tell apart; groups and totals are grey; red means failed and
//! indigo throttled, and neither means anything else.

use squall_failure::FailureClass;

/// A colour, and how opaque it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ink {
    pub(super) rgb: (u8, u8, u8),
    pub(super) alpha: f64,
}

impl Ink {
    const fn new(r: u8, g: u8, b: u8) -> Self {
        Self { rgb: (r, g, b), alpha: 1.0 }
    }

    pub(super) const fn faded(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }
}

pub(super) const PAPER: Ink = Ink::new(255, 255, 255);
pub(super) const TEXT: Ink = Ink::new(31, 41, 55);
pub(super) const QUIET: Ink = Ink::new(94, 101, 115);
pub(super) const GRID: Ink = Ink::new(232, 234, 238);
pub(super) const AXIS: Ink = Ink::new(156, 163, 175);
/// Failed, and the faults that are behind it.
pub(super) const FAILED: Ink = Ink::new(196, 62, 0);
/// Throttled: asked for patience.
pub(super) const THROTTLED: Ink = Ink::new(94, 60, 153);
/// All together.
pub(super) const TOTAL: Ink = Ink::new(31, 41, 55);
/// The highest of several percentiles.
pub(super) const HIGHEST: Ink = Ink::new(132, 140, 153);
/// What is beside the point, behind it.
pub(super) const PALE: Ink = Ink::new(156, 163, 175);

/// Over what is not counted.
pub(super) const VEIL: Ink = Ink::new(222, 225, 230).faded(0.72);

const DEPLOYMENTS: [Ink; 7] = [
    Ink::new(0, 114, 178),
    Ink::new(230, 159, 0),
    Ink::new(0, 158, 115),
    Ink::new(204, 121, 167),
    Ink::new(86, 180, 233),
    Ink::new(121, 85, 72),
    Ink::new(74, 74, 74),
];

/// The colour of a deployment, the same on every chart.
pub(super) fn deployment(number: usize) -> Ink {
    DEPLOYMENTS[number % DEPLOYMENTS.len()]
}

/// The colour of a class of failure, by its code; the last is for what was given up.
const CLASSES: [Ink; FailureClass::ALL.len() + 1] = [
    THROTTLED,
    FAILED,
    Ink::new(122, 22, 22),
    Ink::new(0, 121, 140),
    Ink::new(66, 66, 66),
    Ink::new(0, 77, 64),
    Ink::new(216, 27, 96),
    Ink::new(141, 110, 99),
    Ink::new(158, 157, 36),
    Ink::new(69, 90, 100),
    Ink::new(171, 71, 188),
    Ink::new(92, 107, 192),
    Ink::new(245, 124, 0),
    Ink::new(130, 119, 23),
    Ink::new(84, 110, 122),
    Ink::new(49, 27, 146),
    Ink::new(173, 20, 87),
    PALE,
];

/// The colour of a class of failure, by its code.
pub(super) fn class(code: usize) -> Ink {
    CLASSES[code.min(CLASSES.len() - 1)]
}

/// How wide every chart is; the report shows them at this size.
pub(super) const WIDTH: f64 = 1_080.0;
/// Sizes of text: the em, in pixels.
pub(super) const TITLE: f64 = 18.0;
pub(super) const BODY: f64 = 13.0;
pub(super) const SMALL: f64 = 12.0;
