//! Faults by hand: injected, ended, and a script that stands still.

use super::*;
use alloc::boxed::Box;

fn notes(provider: &mut Provider, now: Timestamp, input: ProviderInput) -> Vec<ProviderEvent> {
    provider.handle(now, input);
    let note = |output: ProviderOutput| match output {
        ProviderOutput::Note(note) => Some(note),
        _ => None,
    };
    drain(provider).into_iter().filter_map(note).collect()
}

fn inject(at: Timestamp) -> ProviderInput {
    let lasts = Duration::from_secs(10);
    ProviderInput::Inject(Box::new(FaultConfig::new(at, lasts, FaultKind::Refuse)))
}

const STARTED: [ProviderEvent; 1] = [ProviderEvent::FaultStarted { fault: 0 }];
const ENDED: [ProviderEvent; 1] = [ProviderEvent::FaultEnded { fault: 0 }];

#[test]
fn an_injected_fault_begins_now_or_when_it_says_and_ends_by_itself() {
    let mut provider = provider(config());
    assert_eq!(notes(&mut provider, at(5_000), inject(at(0))), STARTED);
    assert_eq!((provider.listener(), provider.active()), (Listener::Refusing, &[0][..]));
    assert_eq!(provider.faults()[0].at, at(5_000));
    assert_eq!(notes(&mut provider, at(15_000), ProviderInput::Tick), ENDED);
    assert_eq!(provider.listener(), Listener::Listening);
    assert_eq!(notes(&mut provider, at(16_000), inject(at(20_000))), []);
    assert_eq!(provider.next_timer(), Some(at(20_000)));
}

#[test]
fn a_fault_ends_by_hand_before_its_time_and_one_to_come_never_begins() {
    let mut provider = faulty(FaultKind::Refuse);
    assert_eq!(notes(&mut provider, at(12_000), ProviderInput::Tick), STARTED);
    assert_eq!(notes(&mut provider, at(13_000), ProviderInput::EndFault { fault: 0 }), ENDED);
    assert_eq!(provider.faults()[0].until(), at(13_000));
    assert_eq!(notes(&mut provider, at(13_000), inject(at(50_000))), []);
    assert_eq!(notes(&mut provider, at(14_000), ProviderInput::EndFault { fault: 1 }), []);
    assert_eq!(provider.next_timer(), None);
    assert_eq!(notes(&mut provider, at(14_000), ProviderInput::EndFault { fault: 9 }), []);
}

#[test]
fn a_script_that_stands_still_goes_on_later_by_the_pause() {
    // From 10 s to 20 s.
    let mut provider = faulty(FaultKind::Refuse);
    notes(&mut provider, at(4_000), ProviderInput::Pause);
    assert_eq!(provider.next_timer(), None);
    assert_eq!(notes(&mut provider, at(15_000), ProviderInput::Tick), []);
    notes(&mut provider, at(34_000), ProviderInput::Resume);
    assert_eq!(provider.next_timer(), Some(at(40_000)));
    assert_eq!(notes(&mut provider, at(45_000), ProviderInput::Pause), STARTED);
    notes(&mut provider, at(60_000), ProviderInput::Resume);
    assert_eq!(provider.next_timer(), Some(at(65_000)));
    assert_eq!(provider.faults()[0].until(), at(65_000));
}

#[test]
fn what_is_injected_during_a_pause_begins_at_once_and_lasts_beyond_it() {
    let mut provider = provider(config());
    notes(&mut provider, at(0), ProviderInput::Pause);
    assert_eq!(notes(&mut provider, at(5_000), inject(at(0))), STARTED);
    notes(&mut provider, at(8_000), ProviderInput::Resume);
    assert_eq!(provider.next_timer(), Some(at(18_000)));
}

#[test]
fn a_reset_ends_everything_and_makes_limits_whole() {
    let rpm = Some(ProviderRateLimit { per_minute: 1, window: ProviderWindow::Fixed });
    let limits = ProviderLimits { rpm, ..ProviderLimits::NONE };
    let faults = vec![fault(FaultKind::slowdown(2_000))];
    let mut provider = provider(ProviderConfig { limits, faults, ..config() });
    plan(&arrive(&mut provider, at(0), 0));
    notes(&mut provider, at(1_000), inject(at(0)));
    assert_eq!(
        notes(&mut provider, at(2_000), ProviderInput::Reset),
        [ProviderEvent::FaultEnded { fault: 1 }]
    );
    assert_eq!((provider.next_timer(), provider.listener()), (None, Listener::Listening));
    plan(&arrive(&mut provider, at(3_000), 1));
}

#[test]
fn there_is_a_bound_on_what_can_be_injected() {
    let mut provider = provider(config());
    for _ in 0..Provider::FAULTS_MAX + 5 {
        notes(&mut provider, at(0), inject(at(1_000)));
    }
    assert_eq!(provider.faults().len(), Provider::FAULTS_MAX);
}
