//! Baselines fed with pulses: what begins is noticed within seconds and ends, a healthy day is quiet, memory is bounded.

use coral_diagnose::baseline::{Anomaly, Baselines, Phase, Pulse, Signal};

const START: i64 = 1_700_000_000;

/// A small generator of noise, the same in every run.
struct Noise(u64);

impl Noise {
    fn unit(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (self.unit() + self.unit() + self.unit() + self.unit()) * 1.732 - 3.464
    }

    /// How many of so many expected come.
    fn count(&mut self, expected: f64) -> u32 {
        match expected {
            few if few < 12.0 => {
                let (mut count, mut product, least) = (0, self.unit(), (-few).exp());
                while product > least {
                    (count, product) = (count + 1, product * self.unit());
                }
                count
            }
            many => (many + many.sqrt() * self.normal()).round().max(0.0) as u32,
        }
    }

    fn pulse(&mut self, rate: f64, errors: f64, latency: f64, spread: f64) -> Pulse {
        let requests = self.count(rate);
        let wild = if self.unit() < 0.002 { 3.0 } else { 1.0 };
        let own = spread / f64::from(requests.max(1)).sqrt();
        Pulse {
            requests,
            errors: self.count(f64::from(requests) * errors).min(requests),
            latency: (requests > 0).then(|| latency * wild * (own * self.normal()).exp()),
        }
    }
}

/// Ten minutes as usual, then two of trouble, then five as usual; what was told.
fn told(rate: f64, usual: (f64, f64, f64), trouble: (f64, f64, f64)) -> Vec<Anomaly<u32>> {
    let (mut noise, mut baselines) = (Noise(7), Baselines::new(10));
    let mut out = Vec::new();
    for second in 0..1_020 {
        let (more, errors, latency) = if (600..720).contains(&second) {
            trouble
        } else {
            usual
        };
        let pulse = noise.pulse(rate * more, errors, latency, 0.3);
        out.extend(baselines.observe(START + second, &1, &pulse));
    }
    out
}

#[test]
fn what_begins_is_noticed_within_ten_seconds_and_ends() {
    let usual = (1.0, 0.001, 20.0);
    for (trouble, signal) in [
        ((1.0, 0.001, 60.0), Signal::Latency),
        ((1.0, 0.2, 20.0), Signal::Errors),
        ((4.0, 0.001, 20.0), Signal::Rate),
        ((0.05, 0.001, 20.0), Signal::Rate),
    ] {
        let told = told(50.0, usual, trouble);
        let began: Vec<_> = told.iter().filter(|a| a.phase == Phase::Began).collect();
        assert_eq!(began.len(), 1, "{told:?}");
        assert_eq!(began[0].signal, signal);
        let late = began[0].at - (START + 600);
        assert!((0..=10).contains(&late), "{late} s late");
        assert!((began[0].began - (START + 600)).abs() <= 10);
        let ended: Vec<_> = told
            .iter()
            .filter(|a| a.phase == Phase::Recovered)
            .collect();
        assert_eq!(ended.len(), 1, "{told:?}");
        assert!((720..=780).contains(&(ended[0].at - START)), "{ended:?}");
    }
}

#[test]
fn few_requests_take_longer_and_are_noticed() {
    let usual = (1.0, 0.0, 20.0);
    for (trouble, signal) in [
        ((1.0, 0.0, 200.0), Signal::Latency),
        ((1.0, 0.5, 20.0), Signal::Errors),
    ] {
        let told = told(0.5, usual, trouble);
        let began = told.iter().find(|a| a.phase == Phase::Began).unwrap();
        assert_eq!(began.signal, signal);
        assert!((600..660).contains(&(began.at - START)), "{began:?}");
    }
}

#[test]
fn a_healthy_day_is_quiet() {
    const SERVICES: u32 = 100;
    let (mut noise, mut baselines) = (Noise(3), Baselines::new(1_000));
    let natures: Vec<(f64, f64, f64, f64, i64)> = (0..SERVICES)
        .map(|_| {
            let rate = 10f64.powf(noise.unit() * 3.0 - 1.0);
            let errors = if noise.unit() < 0.5 {
                0.0
            } else {
                noise.unit() * 0.01
            };
            let deploy = (noise.unit() * 86_400.0) as i64;
            (
                rate,
                errors,
                1.0 + 50.0 * noise.unit(),
                0.2 + 0.6 * noise.unit(),
                deploy,
            )
        })
        .collect();
    let mut told = Vec::new();
    for second in 0..86_400 {
        let rhythm = 1.0 + 0.5 * (second as f64 / 86_400.0 * std::f64::consts::TAU).sin();
        for (service, &(rate, errors, latency, spread, deploy)) in natures.iter().enumerate() {
            // A deployment: two minutes somewhat slower; more load is somewhat slower, too.
            let hitch = if (deploy..deploy + 120).contains(&second) {
                1.25
            } else {
                1.0
            };
            let slow = latency * hitch * (0.8 + 0.2 * rhythm);
            let pulse = noise.pulse(rate * rhythm, errors, slow, spread);
            told.extend(baselines.observe(START + second, &(service as u32), &pulse));
        }
    }
    let began: Vec<_> = told.iter().filter(|a| a.phase == Phase::Began).collect();
    assert!(began.len() <= 1, "{} {began:?}", began.len());
}

#[test]
fn what_lasts_becomes_usual_and_what_is_gone_ends() {
    let (mut noise, mut baselines) = (Noise(5), Baselines::new(10));
    let mut told = Vec::new();
    for second in 0..4_500 {
        let latency = if second < 600 { 20.0 } else { 60.0 };
        told.extend(baselines.observe(START + second, &1, &noise.pulse(50.0, 0.0, latency, 0.3)));
    }
    let phases: Vec<_> = told.iter().map(|a| a.phase).collect();
    assert_eq!(phases, [Phase::Began, Phase::Adopted], "{told:?}");
    for second in 4_500..4_600 {
        told.extend(baselines.observe(START + second, &1, &noise.pulse(50.0, 0.5, 60.0, 0.3)));
    }
    assert_eq!(told.last().unwrap().signal, Signal::Errors);
    assert!(baselines.sweep(START + 4_700).is_empty());
    assert_eq!(baselines.sweep(START + 5_000)[0].phase, Phase::Gone);
    assert_eq!(baselines.len(), 1);
    baselines.sweep(START + 300_000);
    assert!(baselines.is_empty());
}

#[test]
fn odd_pulses_and_clocks_do_no_harm_and_room_is_bounded() {
    let mut baselines = Baselines::new(2);
    for (at, latency) in [
        (5, Some(f64::NAN)),
        (3, Some(-1.0)),
        (i64::MAX, Some(0.0)),
        (i64::MAX, None),
    ] {
        let pulse = Pulse {
            requests: u32::MAX,
            errors: u32::MAX,
            latency,
        };
        for key in 0..4 {
            baselines.observe(at, &key, &pulse);
        }
    }
    assert_eq!((baselines.len(), baselines.refused()), (2, 8));
    baselines.sweep(i64::MIN);
    baselines.sweep(i64::MAX);
}
