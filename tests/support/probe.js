// Runs before the page's own scripts. Watches the media socket, the video's frames and its sound, and changes nothing.
(() => {
  const SAMPLE_RATE_HZ = 48000;
  const HEADER_BYTES = 24;
  const probe = { sent: new Map(), frames: [], loud: [], events: [], video: null };
  window.__probe = probe;
  const nowMs = () => performance.timeOrigin + performance.now();

  class WatchedSocket extends WebSocket {
    constructor(...args) {
      super(...args);
      this.addEventListener("message", ({ data }) => {
        if (typeof data === "string") {
          probe.events.push({ atMs: nowMs(), ...JSON.parse(data) });
          if (probe.events.length > 5000) probe.events.shift();
        } else if (data instanceof ArrayBuffer && data.byteLength > HEADER_BYTES) {
          const view = new DataView(data);
          if (view.getUint8(0) !== 2) return;
          const roomPts = Number(view.getBigUint64(8, true));
          probe.sent.set(roomPts, {
            flags: view.getUint8(1),
            seq: view.getUint32(4, true),
            wallMs: view.getFloat64(16, true),
            arrivedMs: nowMs(),
          });
          if (probe.sent.size > 3000) probe.sent.delete(probe.sent.keys().next().value);
        }
      });
    }
  }
  window.WebSocket = WatchedSocket;

  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 64;
  const context = canvas.getContext("2d", { willReadFrequently: true });

  /** Mean brightness of a part of the picture, given in shares of its sides, 0 to 255. */
  function brightness(video, [left, top, width, height]) {
    context.drawImage(
      video,
      left * video.videoWidth,
      top * video.videoHeight,
      width * video.videoWidth,
      height * video.videoHeight,
      0,
      0,
      64,
      64,
    );
    return context.getImageData(0, 0, 64, 64).data;
  }

  probe.region = null; // set to [left, top, width, height] to keep the pixels of a part of each frame
  function watchFrames(video) {
    const onFrame = (now, metadata) => {
      const roomPts = Math.round(metadata.mediaTime * SAMPLE_RATE_HZ);
      const frame = { roomPts, atMs: performance.timeOrigin + metadata.expectedDisplayTime };
      if (probe.region) {
        const data = brightness(video, probe.region);
        let sum = 0;
        const grey = new Uint8Array(64 * 64);
        for (let i = 0; i < grey.length; i += 1) {
          grey[i] = (data[4 * i] * 2 + data[4 * i + 1] * 5 + data[4 * i + 2]) >> 3;
          sum += grey[i];
        }
        frame.mean = sum / grey.length;
        if (probe.previous) {
          let moved = 0;
          for (let i = 0; i < grey.length; i += 1) moved += Math.abs(grey[i] - probe.previous[i]);
          frame.moved = moved / grey.length;
        }
        probe.previous = grey;
      }
      probe.frames.push(frame);
      if (probe.frames.length > 20000) probe.frames.shift();
      video.requestVideoFrameCallback(onFrame);
    };
    video.requestVideoFrameCallback(onFrame);
  }

  const WORKLET = `registerProcessor("loudness", class extends AudioWorkletProcessor {
    process(inputs) {
      const channel = inputs[0][0];
      let sum = 0, peak = 0;
      if (channel) for (const s of channel) { sum += s * s; peak = Math.max(peak, Math.abs(s)); }
      this.port.postMessage([currentFrame, channel ? Math.sqrt(sum / channel.length) : 0, peak]);
      return true;
    }
  });`;

  /** Route the element's sound through a meter; times are those of the output, not of the rendering. */
  async function watchSound(video) {
    const audio = new AudioContext({ sampleRate: SAMPLE_RATE_HZ, latencyHint: "interactive" });
    const url = URL.createObjectURL(new Blob([WORKLET], { type: "text/javascript" }));
    await audio.audioWorklet.addModule(url);
    const meter = new AudioWorkletNode(audio, "loudness");
    const source = audio.createMediaElementSource(video);
    source.connect(audio.destination);
    source.connect(meter);
    meter.port.onmessage = ({ data: [frame, rms, peak] }) => {
      const stamp = audio.getOutputTimestamp();
      const atMs = performance.timeOrigin + stamp.performanceTime + (frame / SAMPLE_RATE_HZ - stamp.contextTime) * 1000;
      probe.loud.push([atMs, rms, peak]);
      if (probe.loud.length > 60000) probe.loud.splice(0, 20000);
    };
    await audio.resume();
    probe.audio = audio;
  }

  probe.start = async (withSound) => {
    const video = document.querySelector("video");
    probe.video = video;
    watchFrames(video);
    if (withSound) await watchSound(video);
  };
  probe.nowMs = nowMs;
})();
