//! Closed forms of the theory of point processes, in units of one mean gap: one arrival per unit of time.

/// The squared coefficient of variation and the third central moment of gaps with a mean of 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments {
    pub(crate) variance: f64,
    pub(crate) third: f64,
}

/// Of a gamma distribution: its skewness is 2 ÷ √shape.
pub(crate) fn gamma(cv: f64) -> Moments {
    Moments { variance: cv * cv, third: 2.0 * cv.powi(4) }
}

/// Of a Weibull distribution of shape 1/2, whose raw moments are whole numbers: with a scale of 1/2, E Xⁿ = (2n)! ÷ 2ⁿ.
pub(crate) const WEIBULL_HALF: Moments = Moments { variance: 5.0, third: 74.0 };

/// Of a Weibull distribution of shape 2 (Rayleigh): with a mean of 1, E X² = 4/π and E X³ = 6/π.
pub(crate) const WEIBULL_TWO: Moments = Moments {
    variance: 4.0 / std::f64::consts::PI - 1.0,
    third: 6.0 / std::f64::consts::PI - 12.0 / std::f64::consts::PI + 2.0,
};

/// The variance of the counts of an equilibrium renewal process over a long time t (Cox, *Renewal Theory*, 1962, 4.5):
/// c²·t + 1/6 + c⁴/2 − μ₃/3.
pub(crate) fn renewal_variance(moments: Moments, t: f64) -> f64 {
    let Moments { variance, third } = moments;
    variance * t + 1.0 / 6.0 + variance * variance / 2.0 - third / 3.0
}

/// The squared coefficient of variation of the gaps of an interrupted Poisson process with mean burst and silence `on`
/// and `off` (Kuczura, *The Interrupted Poisson Process as an Overflow Process*, 1973): 1 + 2λγ ÷ (γ + ω)², where λ is the
/// rate within bursts, and γ and ω are the rates at which bursts and silences end.
pub(crate) fn on_off_squared_cv(on: f64, off: f64) -> f64 {
    let (lambda, gamma, omega) = ((on + off) / on, 1.0 / on, 1.0 / off);
    1.0 + 2.0 * lambda * gamma / (gamma + omega).powi(2)
}

/// The variance of its counts over any time t (Fischer and Meier-Hellstern, *The Markov-Modulated Poisson Process
/// Cookbook*, 1993): of t + 2·λ²·p(1 − p)·∫∫e^(−(γ + ω)·s), where p is the share of bursts.
pub(crate) fn on_off_variance(on: f64, off: f64, t: f64) -> f64 {
    let (p, lambda, r) = (on / (on + off), (on + off) / on, 1.0 / on + 1.0 / off);
    let covariance = lambda * lambda * p * (1.0 - p);
    t + 2.0 * covariance * (t / r - (1.0 - (-r * t).exp()) / (r * r))
}

/// A Hawkes process with an exponential kernel n·β·e^(−βt) and a mean rate of 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hawkes {
    pub(crate) n: f64,
    pub(crate) beta: f64,
}

impl Hawkes {
    /// The variance of its counts over any time t, from the covariance density A·e^(−(β − α)τ) with
    /// A = α(2β − α) ÷ 2(β − α) and α = nβ (Hawkes, *Spectra of some self-exciting and mutually exciting point processes*,
    /// 1971). Over long times it is t ÷ (1 − n)².
    pub(crate) fn variance(self, t: f64) -> f64 {
        let (alpha, kappa) = (self.n * self.beta, self.beta * (1.0 - self.n));
        let a = alpha * (2.0 * self.beta - alpha) / (2.0 * kappa);
        t + 2.0 * a * (t / kappa - (1.0 - (-kappa * t).exp()) / (kappa * kappa))
    }

    /// The squared coefficient of variation of its gaps. The intensity is a Markov process (Oakes, *The Markovian
    /// self-exciting process*, 1975) whose generator gives ln E e^(−ux) = −μ·∫₀ᵘ (1 − e^(−αw)) ÷ (βw − 1 + e^(−αw)) dw for
    /// its excited part x; the probability of no arrival within t is P(t) = e^(−μt)·E e^(−x(1 − e^(−βt))/β); and the second
    /// moment of gaps is twice its integral (Palm and Khinchin).
    pub(crate) fn squared_cv(self) -> f64 {
        let (mu, alpha) = (1.0 - self.n, self.n * self.beta);
        let integrand = |w: f64| {
            let came = -(-alpha * w).exp_m1();
            if w == 0.0 { alpha / (self.beta - alpha) } else { came / (self.beta * w - came) }
        };
        // Over v = (1 − e^(−βt)) ÷ β, from 0 to 1/β: dt = dv ÷ (1 − βv). The transform is integrated along.
        const STEPS: usize = 400_000;
        let longest = 60.0 / mu;
        let (mut sum, mut log) = (0.0, 0.0);
        let (mut v, mut before) = (0.0, 1.0);
        for step in 1..=STEPS {
            // Times that are dense at the start, where a cluster is over soon.
            let time = |step: usize| longest * (step as f64 / STEPS as f64).powi(4);
            let (from, to) = (time(step - 1), time(step));
            let next = -(-self.beta * to).exp_m1() / self.beta;
            log -= mu * (integrand(v) + integrand(next)) / 2.0 * (next - v);
            let none = (-mu * to + log).exp();
            sum += (before + none) / 2.0 * (to - from);
            (v, before) = (next, none);
        }
        2.0 * sum - 1.0
    }
}

#[test]
fn limits_of_the_formulas_are_those_of_the_books() {
    let near = |value: f64, is: f64| assert!((value / is - 1.0).abs() < 1e-3, "{value}, not {is}");
    // A Poisson process is one of each.
    near(renewal_variance(gamma(1.0), 50.0), 50.0);
    near(on_off_variance(1.0, 1e-9, 50.0), 50.0);
    near(Hawkes { n: 1e-9, beta: 3.0 }.variance(50.0), 50.0);
    near(Hawkes { n: 1e-9, beta: 3.0 }.squared_cv(), 1.0);
    // An interrupted Poisson process is a renewal process: its index of dispersion is its squared CV.
    near(on_off_variance(3.0, 9.0, 1e6) / 1e6, on_off_squared_cv(3.0, 9.0));
    near(Hawkes { n: 0.75, beta: 2.0 }.variance(1e6) / 1e6, 16.0);
    // Slow excitement is a Poisson process whose rate hardly moves; as fast as can be, it is one of clusters: gaps are 0
    // but for a share of 1 − n, so that E X² = 2 ÷ (1 − n).
    near(Hawkes { n: 0.5, beta: 1e-4 }.squared_cv(), 1.0);
    near(Hawkes { n: 0.5, beta: 1e5 }.squared_cv(), 3.0);
}
