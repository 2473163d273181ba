//! People are told by a real mail server and a real verifier of signed webhooks, both started by the test.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::growth_team::{GrowthTeam, programs, python};

/// A receiver in Python: it prints a line of JSON for everything it takes.
struct Receiver {
    child: Child,
    input: ChildStdin,
    port: u64,
    said: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    fn start(mut python: Command, program: &str, environment: &[(&str, &str)]) -> Self {
        let mut child = python
            .arg(programs().join(program))
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&said);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                hears.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, input, port: first["port"].as_u64().unwrap(), said }
    }

    fn said(&self) -> Vec<Value> {
        self.said.lock().unwrap().clone()
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    async fn until(&self, count: usize) -> Vec<Value> {
        let started = Instant::now();
        while self.said().len() < count {
            assert!(started.elapsed() < Duration::from_secs(60), "only {:?}", self.said());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.said()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Who got which mail, in the order of their names: mails to several people go out at once.
fn told(mails: &[Value]) -> Vec<String> {
    let mut told: Vec<String> = mails
        .iter()
        .map(|mail| {
            let to = mail["to"][0].as_str().unwrap();
            format!("{}: {}", to.split('@').next().unwrap(), mail["headers"]["subject"].as_str().unwrap())
        })
        .collect();
    told.sort();
    told
}

fn digests(mail: &Receiver) -> Vec<String> {
    told(&mail.said()).into_iter().filter(|line| line.contains("your week")).collect()
}

async fn team_with_mail(mail: &Receiver) -> GrowthTeam {
    let port = u16::try_from(mail.port).unwrap();
    GrowthTeam::start_with(|config| {
        config.public_url = Some("https://tenure.example.com".to_owned());
        config.notify.private_addresses_allowed = true;
        config.smtp.host = Some("127.0.0.1".to_owned());
        config.smtp.port = Some(port);
        config.smtp.security = tenure_server::notify::mail::Security::None;
        config.smtp.from = Some("Tenure <tenure@example.com>".to_owned());
    })
    .await
}

async fn register(team: &GrowthTeam) {
    let experiment = json!({
        "experiment": "EXP-1", "team": "growth", "ended": "2026-02-13", "metric": {"name": "visit"},
        "title": "Sparkle <b>button</b>",
        "measurement": {"control": [20140, 2417], "treatment": [20065, 2729], "planned_n": 0},
    });
    team.give("product-manager", "register_experiment", experiment).await;
    team.give("development-lead", "open_case", json!({"case": "PC-1", "experiment": "EXP-1"})).await;
}

/// Wait until the journal is read to its end and nothing is on its way.
async fn settled(team: &GrowthTeam) {
    let live = team.server.live();
    let started = Instant::now();
    loop {
        let read = live.store.cursor("notify").await.unwrap() == live.seq();
        if read && live.store.receivers_due(live.clock.now(), 10).await.unwrap().is_empty() {
            // What was just noted as delivered has been printed by the receiver.
            tokio::time::sleep(Duration::from_millis(200)).await;
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "it does not settle");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn step_to(team: &GrowthTeam, then: &str) {
    team.clock.step_to(then.parse().unwrap());
    // The clockwork and the digests see the new time at their next round.
    tokio::time::sleep(Duration::from_millis(300)).await;
    settled(team).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ask_reaches_whom_it_is_for_and_the_rest_waits_for_monday() {
    let Some(python) = python() else { return };
    let mail = Receiver::start(python, "smtp.py", &[]);
    let team = team_with_mail(&mail).await;
    register(&team).await;
    settled(&team).await;
    assert_eq!(told(&mail.said()), Vec::<String>::new(), "nobody is asked anything");
    let question =
        json!({"case": "PC-1", "team": "boards", "question": "Does <this> touch the renderer & its cache?"});
    team.give("development-lead", "request_consultation", question).await;
    let asked = mail.until(1).await.remove(0);
    settled(&team).await;
    assert_eq!(told(&mail.said()), ["boards-owner: PC-1: answer the consultation for boards, by 2026-03-09"]);
    insta::assert_snapshot!("mail_text", asked["text"].as_str().unwrap().replace("\r\n", "\n"));
    insta::assert_snapshot!("mail_html", asked["html"].as_str().unwrap().replace("\r\n", "\n"));
    assert_eq!(asked["headers"]["from"], "Tenure <tenure@example.com>");
    assert_eq!(asked["headers"]["auto-submitted"], "auto-generated");
    assert!(asked["headers"]["message-id"].as_str().unwrap().ends_with("@example.com>"));

    let answer = json!({"case": "PC-1", "team": "boards", "codebases": ["boards-web"], "advice": "it does"});
    team.give("boards-owner", "answer_consultation", answer).await;
    settled(&team).await;
    assert_eq!(mail.said().len(), 1, "an answer is no ask");

    // Monday morning: one digest for each person in the case, and none for the admin.
    step_to(&team, "2026-03-09T08:59:00Z").await;
    assert_eq!(digests(&mail), Vec::<String>::new());
    team.clock.step_to("2026-03-09T09:01:00Z".parse().unwrap());
    let monday = mail.until(7).await;
    assert_eq!(
        digests(&mail),
        [
            "boards-owner: Tenure, your week: 1 case moved",
            "boards-web-owner: Tenure, your week: 1 case moved",
            "design-lead: Tenure, your week: 1 case moved",
            "developer: Tenure, your week: 1 case moved",
            "development-lead: Tenure, your week: 1 thing waits on you, 1 case moved",
            "product-manager: Tenure, your week: 1 case moved",
        ]
    );
    let lead = monday.iter().rfind(|mail| mail["to"][0] == "development-lead@example.com").unwrap();
    let text = lead["text"].as_str().unwrap().replace("\r\n", "\n");
    let waits = "Waits on you:\n- PC-1: development lead (development-lead) to estimate boards-web, since 2026-03-02, \
                 promised by 2026-03-09\n  https://tenure.example.com/cases/PC-1\n";
    assert!(text.starts_with(waits), "{text}");
    let news = "PC-1 “Sparkle <b>button</b>”, now in preparation: https://tenure.example.com/cases/PC-1\n";
    assert!(text.contains(news) && text.contains("answered for boards: it touches boards-web"), "{text}");
    step_to(&team, "2026-03-09T09:20:00Z").await;
    step_to(&team, "2026-03-10T09:00:00Z").await;
    assert_eq!(digests(&mail).len(), 6, "once a week");
    team.server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_negative_reaches_the_drivers_and_a_mailbox_that_is_gone_stops_nobody() {
    let Some(python) = python() else { return };
    let mail = Receiver::start(python, "smtp.py", &[("SMTP_REFUSE", "design-lead@example.com")]);
    let team = team_with_mail(&mail).await;
    let muted = json!({"choices": {"at_once": false}});
    team.ok(Method::PUT, "/api/v1/me/notifications", team.token_of("boards-web-owner"), &muted).await;
    register_only(&team).await;
    team.prepare_and_build("PC-1", "EXP-1", "sparkle").await;
    let plan = json!({"case": "PC-1", "waves": [[5, "safety"], [50, "measure"]]});
    team.give("development-lead", "set_rollout_plan", plan).await;
    for _ in 0..2 {
        team.give("development-lead", "start_wave", json!({"case": "PC-1"})).await;
    }
    settled(&team).await;
    let before = mail.said().len();
    let said = told(&mail.said());
    assert!(
        !said.iter().any(|line| line.starts_with("boards-web-owner")),
        "asked, and told weekly by choice: {said:?}"
    );
    team.clock.step_to("2026-03-30T09:00:00Z".parse().unwrap());
    let measurement = json!({"control": [35200, 4224], "treatment": [35150, 3831], "planned_n": 30000});
    team.give("product-manager", "record_measurement", json!({"case": "PC-1", "measurement": measurement}))
        .await;
    settled(&team).await;
    let negative: Vec<String> =
        told(&mail.said()[before..]).into_iter().filter(|line| line.contains("negative")).collect();
    assert_eq!(negative, ["development-lead: PC-1: measured negative; iterate or remove it, by 2026-04-01"]);
    let refused = "/api/v1/me/notifications/deliveries";
    let listed = team.ok(Method::GET, refused, team.token_of("design-lead"), &Value::Null).await;
    let asked = |one: &&Value| one["message"].as_str().unwrap().contains("decide_outcome");
    let gone = listed.as_array().unwrap().iter().find(asked).unwrap();
    assert_eq!((&gone["status"], &gone["attempts"]), (&json!("failed"), &json!(1)), "{gone}");
    assert!(gone["said"].as_str().unwrap().contains("550"), "{gone}");
    team.server.stop().await.unwrap();
}

async fn register_only(team: &GrowthTeam) {
    let experiment = json!({
        "experiment": "EXP-1", "team": "growth", "ended": "2026-02-13", "metric": {"name": "visit"},
        "measurement": {"control": [20140, 2417], "treatment": [20065, 2729], "planned_n": 0},
    });
    team.give("product-manager", "register_experiment", experiment).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_are_signed_so_that_the_library_verifies_them() {
    let (Some(first), Some(second)) = (python(), python()) else { return };
    let log = log();
    let mail = Receiver::start(first, "smtp.py", &[]);
    let mut hook = Receiver::start(second, "webhook.py", &[("WEBHOOK_FAIL", "1")]);
    let team = team_with_mail(&mail).await;
    let url = format!("http://127.0.0.1:{}/services/hush", hook.port);
    let new = json!({"name": "bridge", "url": url, "filter": {"teams": ["growth"]}});
    let made = team.ok(Method::POST, "/api/v1/webhooks", &team.admin, &new).await;
    let (id, secret) = (made["info"]["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    hook.tell(secret);
    hook.until(1).await;
    register(&team).await;
    let refused = hook.until(2).await.remove(1);
    assert_eq!((&refused["refused"], &refused["verified"]), (&json!(true), &json!([secret])));
    // The failure is noted before the clock moves on: the wait counts from then.
    settled(&team).await;
    team.clock.step_to(team.clock.now().checked_add(SignedDuration::from_secs(10)).unwrap());
    let taken = hook.until(3).await.remove(2);
    assert_eq!(taken["id"], refused["id"], "tried again under the same id");
    assert_eq!((&taken["refused"], &taken["verified"]), (&json!(false), &json!([secret])));
    let data = &taken["body"]["data"];
    assert_eq!((&taken["body"]["type"], &data["case"]["id"]), (&json!("case_opened"), &json!("PC-1")));
    assert_eq!(data["case"]["url"], "https://tenure.example.com/cases/PC-1");
    assert_eq!(data["case"]["title"], "Sparkle <b>button</b>", "texts are in place");

    let rotated =
        team.ok(Method::POST, &format!("/api/v1/webhooks/{id}/secret"), &team.admin, &json!({})).await;
    let new_secret = rotated["secret"].as_str().unwrap();
    hook.tell(new_secret);
    hook.until(4).await;
    let tested = team.ok(Method::POST, &format!("/api/v1/webhooks/{id}/test"), &team.admin, &json!({})).await;
    assert_eq!(tested["delivered"], true, "{tested}");
    let both = hook.until(5).await.remove(4);
    assert_eq!(both["verified"], json!([secret, new_secret]), "by the old secret and the new one");

    let kept: Vec<u8> = log.lock().unwrap().clone();
    let kept = String::from_utf8_lossy(&kept);
    assert!(kept.contains("tenure_server"), "the log is caught");
    for hidden in ["whsec_", "hush", &secret[6..], &new_secret[6..]] {
        assert!(!kept.contains(hidden), "{hidden} is in the log");
    }
    team.server.stop().await.unwrap();
}

/// Everything this process logs from now on, in the greatest detail of our own crates.
fn log() -> Arc<Mutex<Vec<u8>>> {
    #[derive(Clone)]
    struct Kept(Arc<Mutex<Vec<u8>>>);
    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let log = Arc::new(Mutex::new(Vec::new()));
    let kept = Kept(Arc::clone(&log));
    let filter = "info,tenure_server=trace,tenure_store=trace,reqwest=trace,hyper=debug,lettre=trace";
    let caught = tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || kept.clone());
    // Another test of this process may have its own.
    let _ = caught.try_init();
    log
}

/// A certificate for `localhost` with its key, in one file; none where openssl is not installed.
fn certificate(folder: &std::path::Path) -> Option<std::path::PathBuf> {
    let [key, certificate, both] = ["key.pem", "certificate.pem", "both.pem"].map(|name| folder.join(name));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .stderr(Stdio::null())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: openssl is not installed; it makes the mail server's certificate");
        return None;
    }
    let text = [key, certificate].map(|path| std::fs::read_to_string(path).unwrap()).concat();
    std::fs::write(&both, text).unwrap();
    Some(both)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_goes_by_starttls_and_only_to_a_server_that_is_trusted() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let Some(both) = certificate(folder.path()) else { return };
    let mail = Receiver::start(python, "smtp.py", &[("SMTP_CERTIFICATE", both.to_str().unwrap())]);
    for (ca_file, delivered) in [(Some(folder.path().join("certificate.pem")), true), (None, false)] {
        let port = u16::try_from(mail.port).unwrap();
        let team = GrowthTeam::start_with(|config| {
            config.smtp.host = Some("localhost".to_owned());
            config.smtp.port = Some(port);
            config.smtp.from = Some("tenure@example.com".to_owned());
            config.smtp.ca_file = ca_file;
        })
        .await;
        let path = "/api/v1/me/notifications/test";
        let tested = team.ok(Method::POST, path, team.token_of("developer"), &json!({})).await;
        assert_eq!(tested["delivered"], delivered, "{tested}");
        team.server.stop().await.unwrap();
    }
    let [only] = mail.until(1).await.try_into().unwrap();
    assert_eq!((&only["tls"], &only["to"][0]), (&json!(true), &json!("developer@example.com")));
}
