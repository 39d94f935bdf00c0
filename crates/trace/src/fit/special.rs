//! Derivatives of the logarithm of the gamma function, by recurrence and Stirling's series (Abramowitz and Stegun 6.3.18
//! and 6.4.12), to about twelve digits.

/// From here on the series has its digits.
const LARGE: f64 = 10.0;

/// The digamma function ψ of a positive number.
pub(super) fn digamma(mut x: f64) -> f64 {
    let mut below = 0.0;
    while x < LARGE {
        below += 1.0 / x;
        x += 1.0;
    }
    let i = 1.0 / (x * x);
    let series =
        i * (1.0 / 12.0 - i * (1.0 / 120.0 - i * (1.0 / 252.0 - i * (1.0 / 240.0 - i / 132.0))));
    x.ln() - 0.5 / x - series - below
}

/// The trigamma function ψ′ of a positive number.
pub(super) fn trigamma(mut x: f64) -> f64 {
    let mut below = 0.0;
    while x < LARGE {
        below += 1.0 / (x * x);
        x += 1.0;
    }
    let i = 1.0 / (x * x);
    let series =
        i * (1.0 / 6.0 - i * (1.0 / 30.0 - i * (1.0 / 42.0 - i * (1.0 / 30.0 - i * 5.0 / 66.0))));
    below + 1.0 / x + i / 2.0 + series / x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_tables() {
        // Abramowitz and Stegun, table 6.1, and scipy.special.
        for (x, psi, psi1) in [
            (1.0, -0.577_215_664_901_532_9, 1.644_934_066_848_226_4),
            (0.5, -1.963_510_026_021_423_5, 4.934_802_200_544_679),
            (2.0, 0.422_784_335_098_467_1, 0.644_934_066_848_226_4),
            (10.0, 2.251_752_589_066_721, 0.105_166_335_681_685_75),
            (0.1, -10.423_754_940_411_076, 101.433_299_150_792_75),
        ] {
            assert!((digamma(x) - psi).abs() < 1e-10, "digamma({x}) = {}", digamma(x));
            assert!((trigamma(x) - psi1).abs() < 1e-9, "trigamma({x}) = {}", trigamma(x));
        }
    }
}
