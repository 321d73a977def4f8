//! One of two is killed.

use crate::deployment::{Asked, Deployment, Load};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_had_acknowledged_is_there_in_the_other() {
    let deployment = Deployment::start().await;
    let (one, two) = (deployment.serve(), deployment.serve());
    let people = deployment.people(["ada", "bo", "cleo"]);
    let mut load = Load::default();
    for person in &people {
        load.writes(person, &one);
        load.writes(person, &one);
        load.writes(person, &two);
    }
    load.goes_well(120).await;
    one.kill();
    load.goes_well(30).await;
    let asked = load.stop().await;

    assert!(asked.iter().any(|asked| asked.status() == 0), "nobody was cut off");
    let odd = asked.iter().find(|asked| ![0, 201, 503].contains(&asked.status()));
    assert!(odd.is_none(), "{odd:?}");
    let kept = Asked::assert_all_kept(&asked, &people, &two).await;
    assert!(kept >= 150, "only {kept} writes were acknowledged");
}
