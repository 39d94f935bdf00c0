//! A stream that broke off behind tokens that its client has goes on at another deployment, from the text so far.

use super::Router;
use crate::request_table::{ActiveAttempt, BegunAnswer};
use crate::{AttemptId, ContinueBy, DeploymentId, TokenUsage};
use squall_failure::{Failure, FailureClass, Retryable};

impl Router {
    /// A stream broke off, and another attempt could go on from its text: it does where the group has it so and the
    /// failure is one that another deployment may mend. Else the stream ends with its failure.
    pub(super) fn interrupted(&mut self, attempt: AttemptId, failure: Failure, output_tokens: u32) {
        if let Some(running) = self.requests.running(attempt)
            && running.committed
            && running.may_continue
            && output_tokens > 0
            && is_mendable(&failure)
        {
            running.brought = Some(output_tokens);
        }
        self.failed(attempt, failure);
    }

    /// The client keeps what the attempt brought, and the rest is asked for elsewhere: by the rules of a retry, and
    /// not where the stream broke.
    pub(super) fn go_on_elsewhere(
        &mut self,
        slot: u32,
        running: &ActiveAttempt,
        failure: Failure,
        output_tokens: u32,
    ) {
        let id = running.deployment;
        let request = self.requests.at(slot);
        let used = TokenUsage { input_tokens: request.input_tokens, output_tokens };
        // The prompt grows by what there is of the answer, and the answer shrinks by it.
        request.input_tokens = request.input_tokens.saturating_add(output_tokens);
        request.output_tokens = request.output_tokens.saturating_sub(output_tokens).max(1);
        let cold = self.requests.cold(slot);
        let before = cold.begun_answer.take();
        let (sum, left_behind) =
            before.map_or_else(Default::default, |it| (it.used, it.left_behind));
        cold.begun_answer = Some(BegunAnswer { used: sum.plus(used), left_behind, failure });
        cold.refused_by.push(id);
        let cost = self.deployments[id.index()].price.of(used.input_tokens, used.output_tokens);
        self.spend(id, cost);
        self.after_failure(slot, id, failure);
    }

    /// How an attempt at this deployment is to go on with the answer; `None` where there is nothing of it.
    pub(super) fn continues_by(&mut self, slot: u32, id: DeploymentId) -> Option<ContinueBy> {
        self.requests.cold(slot).begun_answer?;
        let prefills = self.deployments[id.index()].assistant_prefill;
        Some(if prefills { ContinueBy::Prefill } else { ContinueBy::Instruction })
    }

    /// What an attempt's failure means for its request. That a provider does not take the beginning of an answer is
    /// not the request's fault: another may.
    pub(super) fn weighed_for_a_continuation(&mut self, slot: u32, failure: Failure) -> Failure {
        let refused = failure.class == FailureClass::BadRequest && !failure.is_refusal();
        if refused && self.requests.cold(slot).begun_answer.is_some() {
            return Failure { retryable: Retryable::OtherDeployment, ..failure };
        }
        failure
    }

    /// The request leaves its group for another, which gets back what the request has not used of it.
    pub(super) fn leave_for_another_group(&mut self, slot: u32) {
        let begun = self.requests.cold(slot).begun_answer.as_mut();
        let used = begun.map_or(0, |begun| {
            let used = begun.used.total();
            used - core::mem::replace(&mut begun.left_behind, used)
        });
        self.leave_group_gate(slot, Some(used));
    }
}

/// Whether what broke a stream could go better elsewhere. Where the text itself was refused, or nobody but the client
/// can be told of it, nothing is spliced.
const fn is_mendable(failure: &Failure) -> bool {
    matches!(failure.retryable, Retryable::Anywhere | Retryable::OtherDeployment)
}
