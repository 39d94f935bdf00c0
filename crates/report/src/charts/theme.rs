//! Colours and sizes. Deployments take the palette of Okabe and Ito in an order of their own, which
//! people of every colour vision can tell apart; red means failed and nothing else.

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
pub(super) const QUIET: Ink = Ink::new(107, 114, 128);
pub(super) const GRID: Ink = Ink::new(229, 231, 235);
pub(super) const AXIS: Ink = Ink::new(156, 163, 175);
/// Failed, and the faults that are behind it.
pub(super) const FAILED: Ink = Ink::new(196, 62, 0);
/// Throttled: asked for patience.
pub(super) const THROTTLED: Ink = Ink::new(120, 113, 30);
/// All together.
pub(super) const TOTAL: Ink = Ink::new(55, 65, 81);
/// Answered well.
pub(super) const ANSWERED: Ink = Ink::new(0, 114, 178);

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

const CLASSES: [Ink; 7] = [
    Ink::new(196, 62, 0),
    Ink::new(120, 113, 30),
    Ink::new(126, 87, 194),
    Ink::new(0, 121, 140),
    Ink::new(216, 27, 96),
    Ink::new(93, 64, 55),
    Ink::new(66, 66, 66),
];

/// The colour of the n-th class of failure on a chart.
pub(super) fn class(n: usize) -> Ink {
    CLASSES[n % CLASSES.len()]
}

pub(super) const WIDTH: f64 = 1_200.0;
pub(super) const TITLE: f64 = 20.0;
pub(super) const BODY: f64 = 13.0;
pub(super) const SMALL: f64 = 11.5;
