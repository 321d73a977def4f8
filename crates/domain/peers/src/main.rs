//! The same question, put to this table and to two policy engines: may a web session with `account_owner`, standing as `admin`
//! on somebody's workspace, mint an API key there, and may one that stands as `member`?
//!
//! Each engine gets the whole table, loaded once, and the request as its own types. What is timed is the decision alone, and for
//! Cedar, whose request is an object of its own, also the making of it.

use std::{error::Error, hint::black_box, time::Instant};

use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter, MgmtApi};
use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request, RestrictedExpression};
use driftstack_domain::{
    policy::{Action, Callers, Scope, ScopeSet, Standing, decide},
    testing::people,
};

const ACTION: Action = Action::MintKey;

fn main() -> Result<(), Box<dyn Error>> {
    println!("{:28} {:>12} {:>12}", "", "allowed", "refused");
    let [admin, member] = [Standing::Admin, Standing::Member];

    let access = |standing| people::access(ScopeSet::of(&[Scope::AccountOwner]), standing);
    let (may, may_not) = (access(admin), access(member));
    row(
        "driftstack",
        || decide(black_box(&may), black_box(ACTION)).is_ok(),
        || decide(black_box(&may_not), black_box(ACTION)).is_ok(),
    );

    let cedar = Cedar::new()?;
    let (may, may_not) = (cedar.request(admin)?, cedar.request(member)?);
    row("cedar, decision", || cedar.decide(&may), || cedar.decide(&may_not));
    let ask = |standing| cedar.request(standing).is_ok_and(|request| cedar.decide(&request));
    row("cedar, request and decision", || ask(admin), || ask(member));

    let casbin = tokio::runtime::Builder::new_current_thread().build()?.block_on(casbin())?;
    let ask = |standing: Standing| {
        casbin
            .enforce((Scope::AccountOwner.as_str(), standing.as_str(), ACTION.gates().name))
            .is_ok_and(|allowed| allowed)
    };
    row("casbin", || ask(admin), || ask(member));
    Ok(())
}

fn row(name: &str, allowed: impl Fn() -> bool, refused: impl Fn() -> bool) {
    assert!(allowed() && !refused(), "{name} decides otherwise");
    println!("{name:28} {:>9.1} ns {:>9.1} ns", nanoseconds(allowed), nanoseconds(refused));
}

/// The median over batches that are long enough for the clock.
fn nanoseconds(ask: impl Fn() -> bool) -> f64 {
    let mut batch = 1_u32;
    let time = |batch: u32| {
        let start = Instant::now();
        (0..batch).for_each(|_| {
            black_box(ask());
        });
        start.elapsed().as_secs_f64() * 1e9
    };
    while time(batch) < 5e6 {
        batch *= 2;
    }
    let mut each: Vec<f64> = (0..41).map(|_| time(batch) / f64::from(batch)).collect();
    each.sort_by(f64::total_cmp);
    each[each.len() / 2]
}

fn asked() -> impl Iterator<Item = Action> {
    Action::ALL.iter().copied().filter(|action| action.gates().callers == Callers::Credential)
}

/// The scopes that suffice, each alone.
fn sufficient(action: Action) -> Vec<&'static str> {
    let alone = |scope: &&Scope| decide(&people::access(ScopeSet::of(&[**scope]), Standing::Owner), action).is_ok();
    Scope::ALL.iter().filter(alone).map(|scope| scope.as_str()).collect()
}

fn rank(standing: Standing) -> i64 {
    match standing {
        Standing::Member => 0,
        Standing::Admin => 1,
        Standing::Owner => 2,
    }
}

struct Cedar {
    policies: PolicySet,
    entities: Entities,
    authorizer: Authorizer,
    principal: EntityUid,
    action: EntityUid,
    resource: EntityUid,
}

impl Cedar {
    fn new() -> Result<Self, Box<dyn Error>> {
        let mut text = String::new();
        for action in asked() {
            let gates = action.gates();
            text += &format!(
                "permit(principal, action == Action::\"{}\", resource) \
                 when {{ context.scopes.containsAny({:?}) && context.standing >= {} }};\n",
                gates.name,
                sufficient(action),
                rank(gates.standing),
            );
        }
        Ok(Self {
            policies: text.parse()?,
            entities: Entities::empty(),
            authorizer: Authorizer::new(),
            principal: "Account::\"ada\"".parse()?,
            action: format!("Action::\"{}\"", ACTION.gates().name).parse()?,
            resource: "Workspace::\"olive\"".parse()?,
        })
    }

    fn request(&self, standing: Standing) -> Result<Request, Box<dyn Error>> {
        let scope = RestrictedExpression::new_string(Scope::AccountOwner.as_str().to_owned());
        let context = Context::from_pairs([
            ("scopes".to_owned(), RestrictedExpression::new_set([scope])),
            ("standing".to_owned(), RestrictedExpression::new_long(rank(standing))),
        ])?;
        Ok(Request::new(self.principal.clone(), self.action.clone(), self.resource.clone(), context, None)?)
    }

    fn decide(&self, request: &Request) -> bool {
        self.authorizer.is_authorized(request, &self.policies, &self.entities).decision() == Decision::Allow
    }
}

const MODEL: &str = "
[request_definition]
r = scope, standing, act
[policy_definition]
p = scope, standing, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.act == p.act && r.scope == p.scope && g(r.standing, p.standing)
";

async fn casbin() -> casbin::Result<Enforcer> {
    let mut enforcer = Enforcer::new(DefaultModel::from_str(MODEL).await?, MemoryAdapter::default()).await?;
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    for action in asked() {
        let gates = action.gates();
        for scope in sufficient(action) {
            enforcer.add_policy(words(&[scope, gates.standing.as_str(), gates.name])).await?;
        }
    }
    for (higher, lower) in [(Standing::Owner, Standing::Admin), (Standing::Admin, Standing::Member)] {
        enforcer.add_grouping_policy(words(&[higher.as_str(), lower.as_str()])).await?;
    }
    Ok(enforcer)
}
