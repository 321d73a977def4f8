use std::collections::BTreeMap;

use crate::process::Process;

/// What `/metrics` of a process told: series with their labels, as they stand there, and values.
#[derive(Debug)]
pub struct Scrape(BTreeMap<String, f64>);

impl Scrape {
    pub async fn of(process: &Process) -> Self {
        let line = process.log.of("serving metrics").pop().expect("the process serves metrics");
        let answer = reqwest::get(format!("http://{}/metrics", line["address"].as_str().unwrap())).await.unwrap();
        assert_eq!(answer.status(), 200);
        let text = answer.text().await.unwrap();
        let lines = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
        Self(lines.map(|(series, value)| (series.to_owned(), value.parse().unwrap())).collect())
    }

    /// The names of all series, with their labels.
    pub fn series(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// The value of the only series of this name that has these labels, among others perhaps.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |series: &str, (label, value): &(&str, &str)| series.contains(&format!("{label}=\"{value}\""));
        let named = self.0.iter().filter(|(series, _)| series.split('{').next() == Some(name));
        let mut found = named.filter(|(series, _)| labels.iter().all(|label| has(series, label)));
        let value = found.next().map(|(_, value)| *value);
        assert!(found.next().is_none(), "several series of {name} have {labels:?}");
        value
    }
}
