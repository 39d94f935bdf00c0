//! Faults in a few words, the same in summaries, on charts and on pages.

use super::{CountScope, ErrorAnswer, FaultConfig, FaultKind, FirstAttempts};
use core::fmt;
use squall_determinism::Share;
use squall_failure::FailureClass;

impl fmt::Display for ErrorAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = matches!(
            self.class,
            FailureClass::ContextWindow | FailureClass::ContentPolicy | FailureClass::QuotaSpent
        );
        let status = self.status.unwrap_or_else(|| self.class.status());
        write!(f, "{status}")?;
        // A status that does not tell the class, or tells another.
        if told || status / 100 != self.class.status() / 100 {
            write!(f, " {}", self.class.as_str().replace('_', " "))?;
        }
        Ok(())
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Error(answer) => answer.fmt(f),
            Self::Errors(mix) => {
                let total: u32 = mix.errors().map(|(_, weight)| weight).sum();
                for (place, (answer, weight)) in mix.errors().enumerate() {
                    let percent = f64::from(weight) * 100.0 / f64::from(total.max(1));
                    let comma = if place == 0 { "" } else { ", " };
                    let status = answer.status.unwrap_or_else(|| answer.class.status());
                    write!(f, "{comma}{percent:.0}% {status}")?;
                }
                Ok(())
            }
            Self::Throttle { .. } => f.write_str("429 storm"),
            Self::Refuse => f.write_str("refused"),
            Self::Reset { after_tokens: 0 } => f.write_str("reset"),
            Self::Reset { after_tokens } => write!(f, "reset after {after_tokens} tokens"),
            Self::BlackHole => f.write_str("black hole"),
            Self::Slowdown { ttft_milli, itl_milli } if ttft_milli == itl_milli => {
                write!(f, "{}x slower", f64::from(ttft_milli) / 1e3)
            }
            Self::Slowdown { ttft_milli, itl_milli } => {
                let (ttft, itl) = (f64::from(ttft_milli) / 1e3, f64::from(itl_milli) / 1e3);
                write!(f, "first token {ttft}x, tokens {itl}x slower")
            }
            Self::Delay { by } => write!(f, "{by:?} late"),
            Self::Cut { after_tokens } => write!(f, "cut after {after_tokens} tokens"),
            Self::Stall { after_tokens } => write!(f, "stall after {after_tokens} tokens"),
            Self::StreamError { after_tokens, class } => {
                write!(f, "{} in the stream after {after_tokens} tokens", class.as_str())
            }
            Self::BadAnswer(answer) => write!(f, "200 {}", answer.as_str()),
            Self::LimitCut { to } => write!(f, "limits at {to}"),
            Self::CapacityCut { to, recovery: None } => write!(f, "capacity at {to}"),
            Self::CapacityCut { to, recovery: Some(recovery) } => {
                write!(f, "capacity from {to}, +{} a minute", recovery.per_minute)
            }
            Self::ColdCache => f.write_str("cold cache"),
        }
    }
}

impl fmt::Display for FaultConfig {
    /// The kind, with the share and the count if it does not hit all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.share != Share::ALL {
            write!(f, "{} ", self.share)?;
        }
        self.kind.fmt(f)?;
        match self.target.first {
            None => Ok(()),
            Some(FirstAttempts { attempts, of: CountScope::Provider }) => {
                write!(f, ", first {attempts}")
            }
            Some(FirstAttempts { attempts, of }) => {
                write!(f, ", first {attempts} of each {}", of.as_str())
            }
        }
    }
}
