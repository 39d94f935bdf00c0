//! Who is eligible for a request, computed a second time from the documented rules: those that have what it needs,
//! of them the best class of tags, and of these the lowest order.

use crate::rig::{Rig, group};
use proptest::prelude::*;
use squall_router::{
    DeploymentConfig, Features, GroupConfig, RegionId, RequestArrival, Strategy as Routing,
    TagMatch, Tags,
};

/// What a request asks for.
#[derive(Clone, Copy, Debug)]
struct Asked {
    tags: Tags,
    features: Features,
    region: Option<RegionId>,
    input_tokens: u32,
}

fn any_tags() -> impl Strategy<Value = Tags> {
    (0_u64..8).prop_map(Tags)
}

fn any_region() -> impl Strategy<Value = Option<RegionId>> {
    proptest::option::of((0_u8..2).prop_map(RegionId))
}

prop_compose! {
    fn any_deployment()(
        weight in 0_u32..4,
        order in 0_u8..3,
        tags in any_tags(),
        default_pool in proptest::bool::weighted(0.2),
        features in prop_oneof![Just(Features::ALL), (0_u16..4).prop_map(Features)],
        region in any_region(),
        max_input_tokens in proptest::option::of(1_000_u32..3_000),
    ) -> DeploymentConfig {
        DeploymentConfig {
            weight, order, tags, default_pool, features, region, max_input_tokens,
            ..DeploymentConfig::new("")
        }
    }
}

prop_compose! {
    fn any_request()(
        tags in any_tags(),
        features in (0_u16..4).prop_map(Features),
        region in any_region(),
        input_tokens in 1_u32..3_000,
    ) -> Asked {
        Asked { tags, features, region, input_tokens }
    }
}

/// The classes of tags, the better the higher: `None` does not fit.
fn class(deployment: &DeploymentConfig, asked: &Asked, rule: TagMatch) -> Option<u8> {
    let own = deployment.tags.0;
    let fits = match rule {
        TagMatch::Ignore => return Some(2),
        TagMatch::Any => own & asked.tags.0 != 0,
        TagMatch::All => asked.tags.0 != 0 && own & asked.tags.0 == asked.tags.0,
    };
    match (fits, deployment.default_pool) {
        (true, _) => Some(2),
        (false, true) => Some(1),
        (false, false) => asked.tags.is_empty().then_some(0),
    }
}

/// The places that the rules name.
fn eligible(deployments: &[DeploymentConfig], asked: &Asked, rule: TagMatch) -> Vec<u16> {
    let has = |each: &DeploymentConfig| {
        each.weight > 0
            && each.features.holds(asked.features)
            && (asked.region.is_none() || each.region.is_none() || asked.region == each.region)
            && each.max_input_tokens.is_none_or(|most| asked.input_tokens <= most)
    };
    let fitting = deployments.iter().zip(0_u16..).filter(|(each, _)| has(each));
    let classed: Vec<_> = fitting
        .filter_map(|(each, place)| Some((class(each, asked, rule)?, each.order, place)))
        .collect();
    let best = classed.iter().map(|&(class, _, _)| class).max();
    let of_class = || classed.iter().filter(|&&(class, _, _)| Some(class) == best);
    let lowest = of_class().map(|&(_, order, _)| order).min();
    of_class().filter(|&&(_, order, _)| Some(order) == lowest).map(|&(_, _, place)| place).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Forty requests are of more kinds than a group remembers.
    #[test]
    fn a_request_goes_to_one_that_has_what_it_needs_of_the_best_tags_and_the_lowest_order(
        mut deployments in proptest::collection::vec(any_deployment(), 1..12),
        requests in proptest::collection::vec(any_request(), 1..40),
        rule in prop_oneof![Just(TagMatch::Any), Just(TagMatch::All), Just(TagMatch::Ignore)],
        strategy in 0..Routing::all().count(),
    ) {
        for (place, deployment) in deployments.iter_mut().enumerate() {
            deployment.name = format!("d{place}");
        }
        // A group has some weight.
        deployments[0].weight += 1;
        let strategy = Routing::all().nth(strategy).expect("it was counted");
        let mut rig = Rig::new(vec![GroupConfig {
            deployments: deployments.clone(),
            tags: rule,
            strategy,
            ..group(&[])
        }]);
        for asked in requests {
            let step = rig.arrive_with(|arrival: &mut RequestArrival| {
                arrival.tags = asked.tags;
                arrival.features = asked.features;
                arrival.region = asked.region;
                arrival.input_tokens = asked.input_tokens;
            });
            let expected = eligible(&deployments, &asked, rule);
            let picked = step.started().map(|start| start.deployment.0);
            prop_assert_eq!(picked.is_some(), !expected.is_empty(), "{:?}", asked);
            if let Some(start) = step.started() {
                prop_assert!(expected.contains(&start.deployment.0), "{:?} of {:?}", start, expected);
                rig.finish(start.attempt);
            }
        }
    }
}
