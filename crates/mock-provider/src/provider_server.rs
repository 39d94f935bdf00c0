//! The core under its lock, and everything that must happen in the same order as its outputs.

use crate::attempt_state::{Arrived, AttemptDecision, AttemptState, Bounds, Who};
use crate::call_log::Caller;
use crate::connections::ConnectionRegistry;
use crate::events::ControlAction;
use crate::lock::lock;
use crate::log;
use crate::metrics::ProviderMetrics;
use crate::recent_stats::Tally;
use crate::setup::{AttemptLog, MockSetup, ProviderLog, ServerTimeouts, UNKNOWN_DEPLOYMENT};
use crate::snapshot::ProviderSnapshot;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use slab::Slab;
use squall_clock::Clock;
use squall_determinism::{Digest, Timestamp};
use squall_failure::FailureClass;
use squall_provider::{
    AttemptArrival, AttemptTag, CheckAnswer, FaultConfig, Listener, Provider, ProviderEvent,
    ProviderInput, ProviderOutput, name_hash,
};
use squall_record::{
    AttemptOutcome, AttemptRow, CallAttempt, JoinCounts, NoteRow, RowSender, SeenBy,
};
use squall_wire::serve::{ParsedRequest, Rules, Says, ServerFormat};
use squall_wire::{Format, RequestToken, TokenPlaces, server};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// One provider, live: shared by its connections, its timer and its owner.
#[derive(Debug)]
pub(crate) struct ProviderServer {
    setup: MockSetup,
    state: Mutex<ProviderServerState>,
    timer: Notify,
    listener: watch::Sender<Listener>,
    connections: Arc<ConnectionRegistry>,
}

#[derive(Debug)]
struct ProviderServerState {
    core: Provider,
    /// How many attempts have come in.
    arrived: u64,
    /// Those that have not ended; the key is the tag.
    open: Slab<Arc<AttemptState>>,
    log: ProviderLog,
    /// Where rows go besides, as they come.
    rows: Option<RowSender>,
    tally: Tally,
    metrics: ProviderMetrics,
    /// When the timer task will wake up.
    armed: Timestamp,
}

/// The longest answer that a request may ask for by its token: as long as any model's. A whole answer of it is
/// less than a megabyte.
pub(crate) const OUTPUT_TOKENS_MAX: u32 = 1 << 17;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AttemptEnd {
    /// With its whole answer.
    Succeeded,
    /// With the connection closed or reset in the middle, as planned.
    Broken,
    /// With an error that is told when it was being served, as planned.
    ErrorEvent(FailureClass),
    /// With an error, as this class of failure.
    Rejected(FailureClass),
    /// The caller hung up.
    Disconnected,
}

impl ProviderServer {
    pub(crate) fn new(setup: MockSetup) -> Self {
        let MockSetup { seed, provider, epoch_nanos, .. } = setup;
        let core = Provider::new(setup.config.clone(), seed, u64::from(provider), epoch_nanos);
        let state = ProviderServerState {
            core,
            arrived: 0,
            open: Slab::new(),
            log: ProviderLog::default(),
            rows: None,
            tally: Tally::default(),
            metrics: ProviderMetrics::default(),
            armed: Timestamp::MAX,
        };
        Self {
            setup,
            state: Mutex::new(state),
            timer: Notify::new(),
            listener: watch::Sender::new(Listener::Listening),
            connections: Arc::default(),
        }
    }

    pub(crate) const fn clock(&self) -> Clock {
        self.setup.clock
    }

    pub(crate) const fn connections(&self) -> &Arc<ConnectionRegistry> {
        &self.connections
    }

    pub(crate) fn name(&self) -> &str {
        &self.setup.name
    }

    pub(crate) const fn format(&self) -> Format {
        self.setup.format
    }

    /// Its words.
    pub(crate) fn server(&self) -> &'static dyn ServerFormat {
        server(self.setup.format)
    }

    /// How long it waits for a request.
    pub(crate) const fn patience(&self) -> ServerTimeouts {
        self.setup.patience
    }

    pub(crate) const fn provider(&self) -> u16 {
        self.setup.provider
    }

    pub(crate) fn models(&self) -> impl Iterator<Item = &str> {
        self.setup.models.iter().map(|(model, _)| model.as_str())
    }

    /// Whether a model is in the list.
    pub(crate) fn lists(&self, model: &str) -> bool {
        self.setup.models.iter().any(|(listed, _)| listed == model)
    }

    /// Whether a model is served.
    pub(crate) fn serves(&self, model: &str) -> bool {
        !self.setup.only_listed || self.lists(model)
    }

    /// The vendor's status for a class of failure.
    pub(crate) fn vendor_status(&self, class: FailureClass) -> u16 {
        self.setup.config.vendor.status(class)
    }

    /// The longest prompt that it takes.
    pub(crate) const fn context_window(&self) -> Option<u32> {
        self.setup.config.context_window
    }

    /// What comes of a call that lists models, now.
    pub(crate) fn answers_checks(&self) -> CheckAnswer {
        lock(&self.state).core.answers_checks(self.setup.clock.now())
    }

    /// Whether connections are wanted, now and from now on.
    pub(crate) fn listener(&self) -> watch::Receiver<Listener> {
        self.listener.subscribe()
    }

    /// Wall time since 1970, by the run's own epoch.
    pub(crate) fn unix(&self, at: Timestamp) -> Duration {
        Duration::from_nanos(self.setup.epoch_nanos + at.as_nanos())
    }

    /// Takes an attempt in: the core's word on it is in its cell from then on. `None` while connections
    /// are refused: the request slipped in on one that is being reset.
    pub(crate) fn arrive(
        &self,
        request: &ParsedRequest,
        headers: &HeaderMap,
    ) -> Option<(Arc<AttemptState>, Arrived, Says)> {
        let token = request.token(headers).or_else(|| RequestToken::anywhere_in(&request.body));
        let places = TokenPlaces::of(headers, &request.body);
        let deployment = self.deployment(&request.model);
        // A token tells the size of the prompt without the beginning of the answer that it may end with.
        let begun = request.prefill.or(request.quoted).unwrap_or(0);
        let input_tokens =
            token.map_or(request.input_tokens, |token| token.input_tokens.saturating_add(begun));
        let asked_by = token.map_or_else(|| hash(&request.body), |token| token.request);
        let says = self.says(request, asked_by);
        let mut state = lock(&self.state);
        let now = self.setup.clock.now();
        if state.core.next_timer().is_some_and(|due| due <= now) {
            self.drive(&mut state, now, ProviderInput::Tick);
        }
        if state.core.listener() == Listener::Refusing {
            return None;
        }
        let number = state.arrived;
        state.arrived += 1;
        let is_known = self.lists(&request.model);
        state.log.unknown_models += u64::from(!is_known);
        let is_guessed = !is_known && self.setup.models.len() > 1;
        state.log.join = state.log.join.plus(join_of(places, token, is_guessed));
        let row =
            AttemptRow { deployment, stream: request.stream, input_tokens, ..new_row(token, now) };
        // A token says how long the answer is; without one, `max_tokens` caps what is drawn.
        let max_tokens = if token.is_some() { None } else { request.max_tokens };
        let bounds = Bounds {
            max_tokens: max_tokens.unwrap_or(u32::MAX),
            stops_after: says.stops_after().filter(|_| token.is_none()),
        };
        let who = self.who(number, token, request, headers);
        let caller = self.caller(token, &request.body, &request.model, headers);
        let attempt_state = Arc::new(AttemptState::new(row, bounds, who, caller));
        let tag = AttemptTag(state.open.insert(Arc::clone(&attempt_state)) as u64);
        let arrival = AttemptArrival {
            tag,
            request: asked_by,
            model: name_hash(&request.model),
            key: self.server().key(headers).map_or(0, name_hash),
            session: token.and_then(|token| token.session),
            input_tokens,
            output_tokens: token
                .map(|token| token.output_tokens.min(OUTPUT_TOKENS_MAX))
                .or_else(|| says.tokens()),
            stream: request.stream,
            prefill: request.prefill,
            quoted: request.quoted,
        };
        self.drive(&mut state, now, ProviderInput::Arrived(arrival));
        let limits = state.core.limits(now, arrival.key);
        drop(state);
        let arrived = Arrived { tag, number, at: now, input_tokens, limits };
        Some((attempt_state, arrived, says))
    }

    /// What the answer to a request says, by the draws of the attempt that is about to arrive.
    fn says(&self, request: &ParsedRequest, asked_by: u64) -> Says {
        let (draw, calls) = {
            let state = lock(&self.state);
            let draw = state.core.next_draw(asked_by);
            (draw, request.wants.leaves_a_call_open() && state.core.calls_a_tool(draw))
        };
        request.wants.said(calls, draw ^ self.setup.seed.value())
    }

    /// Whose attempt this is, if a log or events are written.
    fn who(
        &self,
        number: u64,
        token: Option<RequestToken>,
        request: &ParsedRequest,
        headers: &HeaderMap,
    ) -> Option<Box<Who>> {
        let has_lines = self.setup.events.as_ref().is_some_and(|events| events.has_lines());
        let is_told = has_lines || log::hears_of_requests();
        is_told.then(|| {
            Box::new(Who {
                request_id: self.request_id(number),
                client_request_id: log::client_request_id(headers).map(str::to_owned),
                endpoint: request.endpoint,
                token,
                model: request.model.chars().take(MODEL_MOST).collect(),
                key: self.server().key(headers).and_then(end_of),
            })
        })
    }

    /// Whose attempt this is, if callers are judged.
    fn caller(
        &self,
        token: Option<RequestToken>,
        body: &Bytes,
        model: &str,
        headers: &HeaderMap,
    ) -> Option<Caller> {
        let token = token.map(|token| token.request);
        let key = self.server().key(headers);
        self.setup.calls.as_ref().map(|_| Caller::new(token, body, model, key))
    }

    /// The number of an answer, as its headers tell it.
    pub(crate) fn request_id(&self, number: u64) -> String {
        format!("req_{}_{number}", self.setup.provider)
    }

    /// What it refuses beside what none takes.
    pub(crate) const fn rules(&self) -> Rules {
        self.setup.rules
    }

    /// Logs a request that could not be read: it never reaches the core. With its body, where that came, and its
    /// model, where it can be told.
    pub(crate) fn malformed(
        &self,
        headers: &HeaderMap,
        status: StatusCode,
        why: &'static str,
        body: Option<(&Bytes, &str)>,
    ) {
        log::refused(&self.setup.name, headers, status.as_u16(), why);
        let now = self.setup.clock.now();
        let outcome = AttemptOutcome::Failed { class: FailureClass::BadRequest };
        let token = RequestToken::from_headers(headers);
        let row = AttemptRow { outcome, status: status.as_u16(), ..new_row(token, now) };
        self.log(&mut lock(&self.state), row, None);
        if let (Some(calls), Some((body, model))) = (&self.setup.calls, body)
            && let Some(Caller { call, target }) = self.caller(token, body, model, headers)
        {
            calls.add(CallAttempt {
                row,
                provider: self.setup.provider,
                call,
                target,
                broken: None,
                silence: None,
                malformed_event: None,
            });
        }
    }

    /// Ends an attempt: logs its row and tells the core. Does nothing if the log is closed.
    pub(crate) fn end(&self, tag: AttemptTag, attempt_state: &Arc<AttemptState>, end: AttemptEnd) {
        let mut state = lock(&self.state);
        let now = self.setup.clock.now();
        let key = tag.0 as usize;
        if !state.open.get(key).is_some_and(|open| Arc::ptr_eq(open, attempt_state)) {
            return;
        }
        state.open.remove(key);
        let (outcome, input) = match end {
            AttemptEnd::Succeeded => {
                (AttemptOutcome::Succeeded, Some(ProviderInput::Delivered { tag }))
            }
            AttemptEnd::Broken => {
                let class = FailureClass::Cut;
                (AttemptOutcome::Failed { class }, Some(ProviderInput::Delivered { tag }))
            }
            AttemptEnd::ErrorEvent(class) => {
                (AttemptOutcome::Failed { class }, Some(ProviderInput::Delivered { tag }))
            }
            AttemptEnd::Rejected(class) => (AttemptOutcome::Failed { class }, None),
            AttemptEnd::Disconnected => {
                (AttemptOutcome::Abandoned, Some(ProviderInput::Gone { tag }))
            }
        };
        let (row, who) = (attempt_state.row(outcome, now), attempt_state.take_who());
        self.log(&mut state, row, who.as_deref());
        self.keep(attempt_state, row);
        if let Some(input) = input {
            self.drive(&mut state, now, input);
        }
        drop(state);
        if let Some(who) = who {
            log::ended(&self.setup.name, &who, &row);
        }
    }

    /// Fires what is due, whenever it is due, for as long as it is polled.
    pub(crate) async fn run_timer(&self) {
        loop {
            let due = self.tick();
            tokio::select! {
                () = self.setup.clock.sleep_until(due) => {}
                () = self.timer.notified() => {}
            }
        }
    }

    /// Fires what is due; says when to come again.
    pub(crate) fn tick(&self) -> Timestamp {
        let mut state = lock(&self.state);
        let now = self.setup.clock.now();
        // Whatever comes out of this, the timer is awake and need not be told.
        state.armed = Timestamp::ZERO;
        self.drive(&mut state, now, ProviderInput::Tick);
        state.armed = state.core.next_timer().unwrap_or(Timestamp::MAX);
        state.armed
    }

    /// Begins a fault by hand; its number, unless there have been too many.
    pub(crate) fn inject(&self, fault: FaultConfig) -> Option<u16> {
        let mut state = lock(&self.state);
        let number = u16::try_from(state.core.faults().len()).ok();
        let now = self.setup.clock.now();
        self.drive(&mut state, now, ProviderInput::Inject(Box::new(fault)));
        number.filter(|&number| state.core.faults().len() > usize::from(number))
    }

    /// Whether there is, was or will be a fault of this number.
    pub(crate) fn has_fault(&self, fault: u16) -> bool {
        lock(&self.state).core.faults().len() > usize::from(fault)
    }

    /// Ends one fault, or every one that lasts.
    pub(crate) fn end_faults(&self, fault: Option<u16>) {
        let mut state = lock(&self.state);
        let faults = fault.map_or_else(|| state.core.active().to_vec(), |fault| vec![fault]);
        for fault in faults {
            let now = self.setup.clock.now();
            self.drive(&mut state, now, ProviderInput::EndFault { fault });
        }
    }

    /// The script stands still.
    pub(crate) fn pause(&self) {
        self.control(ProviderInput::Pause, ControlAction::Paused);
    }

    /// The script goes on.
    pub(crate) fn resume(&self) {
        self.control(ProviderInput::Resume, ControlAction::Resumed);
    }

    /// Every fault is over, limits are whole, and no attempt of a caller is known any more.
    pub(crate) fn reset(&self) {
        if let Some(calls) = &self.setup.calls {
            calls.clear(self.setup.provider, self.setup.clock.now());
        }
        self.control(ProviderInput::Reset, ControlAction::Reset);
    }

    fn control(&self, input: ProviderInput, event: ControlAction) {
        let now = self.setup.clock.now();
        self.drive(&mut lock(&self.state), now, input);
        if let Some(events) = &self.setup.events {
            events.tell(now, &self.setup.name, event, None);
        }
    }

    /// How it is doing.
    pub(crate) fn snapshot(&self) -> ProviderSnapshot {
        let mut state = lock(&self.state);
        let state = &mut *state;
        let now = self.setup.clock.now();
        let active = state.core.active();
        let all = (0_u16..).zip(state.core.faults());
        let faults = all.filter_map(|(number, fault)| {
            let lasts = active.contains(&number);
            let hits = state.tally.hits(number);
            (lasts || fault.until() > now).then_some((number, *fault, lasts, hits))
        });
        let faults = faults.collect();
        let status = state.core.status(now);
        ProviderSnapshot { now, status, faults, seconds: state.tally.seconds(now) }
    }

    /// How many attempts have not ended.
    pub(crate) fn open(&self) -> usize {
        lock(&self.state).open.len()
    }

    /// Sends rows on from now on, and those that are there.
    pub(crate) fn stream(&self, rows: RowSender) {
        let mut state = lock(&self.state);
        state.log.notes.iter().for_each(|row| rows.note(row));
        state.log.attempts.iter().for_each(|row| rows.attempt(row));
        state.rows = Some(rows);
    }

    /// What it has counted, as Prometheus reads it.
    pub(crate) fn metrics(&self) -> String {
        let state = lock(&self.state);
        state.metrics.text(&self.setup.name, state.open.len())
    }

    /// Ends the log: attempts that are still open are unfinished.
    pub(crate) fn close(&self) -> ProviderLog {
        let mut state = lock(&self.state);
        let now = self.setup.clock.now();
        for (_, attempt_state) in std::mem::take(&mut state.open) {
            let (row, who) =
                (attempt_state.row(AttemptOutcome::Unfinished, now), attempt_state.take_who());
            self.log(&mut state, row, who.as_deref());
            self.keep(&attempt_state, row);
            if let Some(who) = who {
                log::ended(&self.setup.name, &who, &row);
            }
        }
        std::mem::take(&mut state.log)
    }

    fn drive(&self, state: &mut ProviderServerState, now: Timestamp, input: ProviderInput) {
        state.core.handle(now, input);
        while let Some(output) = state.core.poll() {
            self.carry_out(state, output);
        }
        let due = state.core.next_timer().unwrap_or(Timestamp::MAX);
        if due < state.armed {
            state.armed = due;
            self.timer.notify_one();
        }
    }

    fn carry_out(&self, state: &mut ProviderServerState, output: ProviderOutput) {
        match output {
            ProviderOutput::Plan { tag, plan } => deliver(state, tag, AttemptDecision::Plan(plan)),
            ProviderOutput::Reject { tag, rejection } => {
                deliver(state, tag, AttemptDecision::Reject(rejection))
            }
            ProviderOutput::Listener(listener) => {
                self.listener.send_replace(listener);
                self.connections.set(listener);
            }
            ProviderOutput::Note(note) => self.note(state, note),
        }
    }

    /// A fault's times are those of the script: the moment at which its timer fired is only later.
    fn note(&self, state: &mut ProviderServerState, note: ProviderEvent) {
        let provider = self.setup.provider;
        if let Some(events) = &self.setup.events {
            let (event, fault) = match note {
                ProviderEvent::FaultStarted { fault } => (ControlAction::FaultStarted, fault),
                ProviderEvent::FaultEnded { fault } => (ControlAction::FaultEnded, fault),
            };
            let what = state.core.faults()[usize::from(fault)].to_string();
            let now = self.setup.clock.now();
            events.tell(now, &self.setup.name, event, Some((fault, what)));
        }
        let fault_config = |fault: u16| &state.core.faults()[usize::from(fault)];
        let (at, note) = match note {
            ProviderEvent::FaultStarted { fault } => (
                fault_config(fault).at,
                squall_record::RecordedEvent::FaultStarted { provider, fault },
            ),
            ProviderEvent::FaultEnded { fault } => (
                fault_config(fault).until(),
                squall_record::RecordedEvent::FaultEnded { provider, fault },
            ),
        };
        if self.setup.rows == AttemptLog::Kept {
            let row = NoteRow { at, request: None, note };
            state.log.notes.push(row);
            if let Some(rows) = &state.rows {
                rows.note(&row);
            }
        }
    }

    fn log(&self, state: &mut ProviderServerState, row: AttemptRow, who: Option<&Who>) {
        state.tally.count(&row);
        state.metrics.count(&row);
        if let Some(events) = &self.setup.events {
            events.attempt(&self.setup.name, &row, who);
        }
        if self.setup.rows == AttemptLog::Kept {
            state.log.attempts.push(row);
            if let Some(rows) = &state.rows {
                rows.attempt(&row);
            }
        }
    }

    /// Keeps an attempt that has ended, if callers are judged.
    fn keep(&self, attempt_state: &AttemptState, row: AttemptRow) {
        let Some(calls) = &self.setup.calls else { return };
        // A wait that stands in the body alone is read by few.
        let retry_after = row.retry_after.filter(|_| self.server().has_retry_after());
        let row = AttemptRow { retry_after, ..row };
        if let Some(attempt) = attempt_state.for_judgement(row, self.setup.provider) {
            calls.add(attempt);
        }
    }

    fn deployment(&self, model: &str) -> u16 {
        let known = self.setup.models.iter().find(|(name, _)| name == model);
        let default = self.setup.default_deployment.unwrap_or(UNKNOWN_DEPLOYMENT);
        known.map_or(default, |&(_, deployment)| deployment)
    }
}

fn deliver(state: &ProviderServerState, tag: AttemptTag, verdict: AttemptDecision) {
    if let Some(attempt_state) = state.open.get(tag.0 as usize) {
        attempt_state.deliver(verdict);
    }
}

/// One attempt, as it is counted.
fn join_of(places: TokenPlaces, token: Option<RequestToken>, is_guessed: bool) -> JoinCounts {
    JoinCounts {
        attempts: 1,
        header: u64::from(places.header),
        user: u64::from(places.user),
        prompt: u64::from(places.prompt),
        content: u64::from(places.content),
        unknown: u64::from(token.is_none()),
        guessed_deployment: u64::from(is_guessed),
    }
}

pub(crate) fn new_row(token: Option<RequestToken>, now: Timestamp) -> AttemptRow {
    AttemptRow {
        request: token.map(|token| token.request),
        ordinal: 0,
        deployment: UNKNOWN_DEPLOYMENT,
        seen_by: SeenBy::Provider,
        started: now,
        first_token: None,
        ended: now,
        outcome: AttemptOutcome::Unfinished,
        status: 0,
        retry_after: None,
        fault: None,
        limit: None,
        stream: false,
        input_tokens: 0,
        output_tokens: 0,
    }
}

/// The longest name of a model in the log and in the file of events, in letters: as much as the gateway writes.
const MODEL_MOST: usize = 100;

/// The end of a key, as vendors' own consoles show it: enough to tell two apart, and too little to use. Of a
/// key that is hardly longer than that nothing.
fn end_of(key: &str) -> Option<String> {
    const SHOWN: usize = 4;
    let letters = key.chars().count();
    (letters >= 3 * SHOWN).then(|| key.chars().skip(letters - SHOWN).collect())
}

/// What draws are keyed by when no token tells the request.
fn hash(body: &[u8]) -> u64 {
    let mut digest = Digest::new();
    digest.bytes(body);
    digest.short()
}
