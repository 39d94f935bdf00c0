//! The quantiles of the gamma distribution: by halving on its distribution function, which is a series or a
//! continued fraction. Slow, some microseconds, and the same on every machine.

/// The number below which a gamma variable of this `shape` and scale 1 falls with probability `p`.
pub(crate) fn quantile(p: f64, shape: f64) -> f64 {
    let (mut low, mut high) = (0.0, shape.max(1.0));
    let scale = libm::lgamma(shape);
    while distribution(high, shape, scale) < p {
        low = high;
        high *= 2.0;
    }
    // Each step halves what is left; 64 of them leave nothing that a float can tell.
    for _ in 0..64 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if distribution(middle, shape, scale) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The regularised lower incomplete gamma function; `scale` is the logarithm of the complete one.
fn distribution(x: f64, shape: f64, scale: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let weight = libm::exp(shape * libm::log(x) - x - scale);
    if x < shape + 1.0 { weight * series(x, shape) } else { 1.0 - weight * fraction(x, shape) }
}

/// The most terms of either; both have converged long before.
const TERMS: u32 = 500;

fn series(x: f64, shape: f64) -> f64 {
    let mut term = 1.0 / shape;
    let mut sum = term;
    for n in 1..TERMS {
        term *= x / (shape + f64::from(n));
        sum += term;
        if term < sum * f64::EPSILON {
            break;
        }
    }
    sum
}

/// Lentz's way to evaluate the continued fraction.
fn fraction(x: f64, shape: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let mut b = x + 1.0 - shape;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut value = d;
    for n in 1..TERMS {
        let n = f64::from(n);
        let a = -n * (n - shape);
        b += 2.0;
        let bounded = |y: f64| if libm::fabs(y) < TINY { TINY } else { y };
        d = 1.0 / bounded(a * d + b);
        c = bounded(b + a / c);
        value *= d * c;
        if libm::fabs(d * c - 1.0) < f64::EPSILON {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against tables of the chi-square distribution: with n degrees of freedom it is twice a gamma of shape n/2.
    #[test]
    fn quantiles_agree_with_the_tables_of_chi_square() {
        for (degrees, p, table) in [
            (1.0, 0.95, 3.841_458_821),
            (2.0, 0.5, 1.386_294_361),
            (5.0, 0.05, 1.145_476_226),
            (10.0, 0.99, 23.209_251_159),
            (100.0, 0.5, 99.334_129_236),
        ] {
            let chi_square = 2.0 * quantile(p, degrees / 2.0);
            assert!((chi_square - table).abs() < 1e-6, "{degrees}, {p}: {chi_square}");
        }
    }

    #[test]
    fn a_gamma_of_shape_one_is_exponential() {
        for p in [0.001, 0.1, 0.5, 0.9, 0.999] {
            let exponential = -libm::log(1.0 - p);
            assert!((quantile(p, 1.0) - exponential).abs() < 1e-9, "{p}");
        }
    }
}
