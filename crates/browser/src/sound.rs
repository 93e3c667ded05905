//! One quiet sound for a new message, made on the spot: nothing to download.

use web_sys::{AudioContext, OscillatorType};

/// Two soft tones, a third of a second in all. Silent where the browser wants a press first.
pub fn chime() {
    // A context of its own each time: one kept open keeps the device's audio awake.
    let Ok(context) = AudioContext::new() else { return };
    for (frequency, from) in [(659.25, 0.0), (880.0, 0.11)] {
        tone(&context, frequency, context.current_time() + from);
    }
}

fn tone(context: &AudioContext, frequency: f32, from: f64) -> Option<()> {
    let (oscillator, gain) = (context.create_oscillator().ok()?, context.create_gain().ok()?);
    oscillator.set_type(OscillatorType::Sine);
    oscillator.frequency().set_value(frequency);
    let volume = gain.gain();
    volume.set_value_at_time(0.0, from).ok()?;
    volume.linear_ramp_to_value_at_time(0.08, from + 0.02).ok()?;
    volume.exponential_ramp_to_value_at_time(0.001, from + 0.22).ok()?;
    oscillator.connect_with_audio_node(&gain).ok()?;
    gain.connect_with_audio_node(&context.destination()).ok()?;
    oscillator.start_with_when(from).ok()?;
    oscillator.stop_with_when(from + 0.24).ok()
}
