"""How the report looks (light and dark, wide and narrow), and the few lines that make it answer
a pointer. Constants only."""

STYLE = """
:root{color-scheme:light dark;--page:#f6f6f4;--card:#fff;--ink:#16181c;--soft:#5b6068;
--faint:#8b9099;--rule:#e3e3df;--grid:#ecece8;--met:#0b7a43;--missed:#c2261b;--mark:#c2261b;
--c0:#2468c9;--c1:#d9591c;--c2:#12875f;--c3:#7a4cc0;--c4:#b3248a;--c5:#8a6d00;--c6:#0b7f93;
--c7:#6b6f76}
@media(prefers-color-scheme:dark){:root{--page:#131517;--card:#1c1f22;--ink:#e9eaec;
--soft:#a6abb3;--faint:#7d838c;--rule:#2e3236;--grid:#272b2f;--met:#4cc38a;--missed:#ff7b6b;
--mark:#ff7b6b;--c0:#6ea8fe;--c1:#ff9152;--c2:#4cc99a;--c3:#b592f5;--c4:#f07cc4;--c5:#d9b93b;
--c6:#4fc4d6;--c7:#9aa0a8}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1120px;margin:0 auto;padding:28px 24px 64px}
h1{font-size:24px;line-height:1.2;margin:0;letter-spacing:-.01em}
h2{font-size:20px;margin:44px 0 10px;letter-spacing:-.01em;overflow-wrap:anywhere}
h3{font-size:15px;margin:0 0 10px}h3 small{font-weight:400;color:var(--soft);font-size:13px}
small{font-size:12px;color:var(--soft)}
code{font:12.5px/1.45 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;
overflow-wrap:anywhere}
a{color:var(--c0);text-decoration:none}a:hover{text-decoration:underline}
.top nav{display:flex;flex-wrap:wrap;gap:4px 18px;margin-top:8px}
.verdict{margin:14px 0 2px;font-size:17px}
.missed-list{margin:0;padding:0;list-style:none;color:var(--soft);font-size:14px}
.met{color:var(--met)}.missed{color:var(--missed)}.unjudged{color:var(--soft)}
.card{background:var(--card);border:1px solid var(--rule);border-radius:10px;
padding:16px 18px 12px;margin:14px 0}
.origin{display:flex;flex-wrap:wrap;gap:4px 28px;margin:0 0 16px;font-size:13px}
.origin div{display:flex;gap:8px;min-width:0}.origin div:first-child{flex-basis:100%}
.origin dt{color:var(--faint);flex:none}.origin dd{margin:0;overflow-wrap:anywhere}
.caution{border-left:3px solid var(--missed);padding-left:10px;margin:6px 0;font-size:14px}
table.figures{width:100%;table-layout:fixed;border-collapse:collapse;font-size:13.5px}
.figures th{text-align:left;font-weight:400;overflow-wrap:anywhere}
.figures thead th{color:var(--faint);font-size:12px;padding:0 0 6px 12px;white-space:nowrap}
.figures thead th:first-child,.figures tbody th{padding-left:0}
.figures tbody tr{border-top:1px solid var(--rule)}
.figures thead th:first-child{width:19%}.figures thead .num{width:68px}
.figures thead .count{width:48px}.figures thead .wide{width:124px}
.figures thead .goal-cell{width:150px}
.figures tbody th{padding:4px 8px 4px 0}
.figures td{padding:4px 0 4px 12px}
.figures .strip-cell{padding-left:4px;padding-right:8px}
.num{text-align:right!important;font-variant-numeric:tabular-nums;white-space:nowrap}
.count{color:var(--faint)}.untold{color:var(--faint)}
.goal-cell{font-size:12.5px}
.goal-cell b{display:block;font-weight:600;line-height:1.3}
.goal-text{color:var(--soft);font-size:12px}
.key{margin-right:12px}.key i{display:inline-block;vertical-align:middle;margin-right:5px;
background:var(--soft)}
.key-dot{width:6px;height:6px;border-radius:3px;opacity:.6}.key-p50{width:3px;height:12px}
.key-p95{width:1.5px;height:10px}
.key-goal{width:0;height:13px;background:none!important;border-left:1.5px dashed var(--soft)}
svg{display:block;width:100%;height:100%;overflow:visible}
path{fill:none;stroke:currentColor}
.c0{color:var(--c0)}.c1{color:var(--c1)}.c2{color:var(--c2)}.c3{color:var(--c3)}
.c4{color:var(--c4)}.c5{color:var(--c5)}.c6{color:var(--c6)}.c7{color:var(--c7)}
.strip{height:44px;position:relative}
.dots{stroke-width:4;stroke-linecap:round;opacity:.5}
.range{stroke-width:16;opacity:.16}.p50{stroke-width:3}.p95{stroke-width:1.5}
.goal{stroke:var(--soft);stroke-width:1.5;stroke-dasharray:4 3}
.change-dot{stroke-width:9;stroke-linecap:round}
.tone-met{color:var(--met)}.tone-missed{color:var(--missed)}.tone-unjudged{color:var(--faint)}
.tone-met .range,.tone-missed .range,.tone-unjudged .range{stroke-width:5;opacity:.45}
.axis{position:relative;height:20px;border-top:1px solid var(--rule)}
.tick{position:absolute;transform:translateX(-50%);font-size:11.5px;color:var(--faint);top:2px;
white-space:nowrap;font-variant-numeric:tabular-nums}
.unit{font-size:11.5px;color:var(--faint);text-align:right}
figure{margin:0}
.curve-name{margin-bottom:2px}.yname{font-size:12px;color:var(--faint);margin-bottom:10px}
.plot{display:grid;grid-template-columns:46px 1fr minmax(60px,190px)}
.ys{position:relative}.ytick{position:absolute;right:8px;transform:translateY(-50%);
font-size:11.5px;color:var(--faint);font-variant-numeric:tabular-nums}
.area{position:relative}.grid{stroke:var(--grid);stroke-width:1}
.line{stroke-width:2;stroke-linejoin:round}.again{stroke-dasharray:5 3}
.knots{stroke-width:6;stroke-linecap:round}
.ends{position:relative}.end{position:absolute;left:12px;right:0;transform:translateY(-50%);
font-size:12.5px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.xs{grid-column:2}.legend{display:none;list-style:none;padding:0;margin:6px 0 0;font-size:12.5px}
.legend i{display:inline-block;width:14px;height:3px;background:currentColor;
vertical-align:middle;margin-right:7px}
.cross{position:absolute;top:0;bottom:0;width:1px;background:var(--faint);display:none}
.timeline{margin-top:8px}.numbers{position:relative;height:24px}
.number{font:600 11px/18px inherit;font-family:inherit;min-width:18px;height:18px;padding:0 4px;
border:0;border-radius:9px;background:var(--mark);color:var(--card);text-align:center}
.numbers .number{position:absolute;transform:translateX(-50%)}
button.number{cursor:pointer;justify-self:start}
.waves{position:relative;cursor:pointer}
.wave-row{position:relative;height:84px;border-top:1px solid var(--rule)}
.wave{fill:currentColor;stroke-width:.6}
.channel{position:absolute;left:0;top:3px;font-size:11.5px;color:var(--soft);
background:var(--card);padding-right:6px;z-index:1}
.mark,.playhead{position:absolute;top:0;bottom:0;width:0;border-left:1.5px solid var(--mark)}
.mark{top:-6px;opacity:.8}.playhead{border-color:var(--ink);display:none}
audio{width:100%;height:40px;margin:8px 0 4px;display:block}
.marks{list-style:none;margin:6px 0 2px;padding:0;font-size:13.5px}
.marks li{display:grid;grid-template-columns:26px 70px 1fr auto;gap:8px;padding:2px 0;
align-items:center}
.at,.since{font-variant-numeric:tabular-nums;color:var(--soft)}.what{overflow-wrap:anywhere}
.absent{color:var(--soft);font-size:13.5px;margin:6px 0}
.read{max-width:74ch;margin:20px 0 0}.read p{margin:0 0 10px}.read h3{margin-bottom:4px}
#tip{position:fixed;display:none;pointer-events:none;background:var(--ink);color:var(--page);
font-size:12.5px;line-height:1.4;padding:4px 8px;border-radius:6px;white-space:pre;z-index:9;
max-width:80vw;overflow:hidden}
@media(max-width:700px){
main{padding:18px 12px 48px}.card{padding:14px 12px 10px;border-radius:8px}
.figures,.figures thead,.figures tbody,.figures tfoot{display:block}
.figures thead th:not(.strip-cell){display:none}.figures thead th.strip-cell{padding-left:0}
.figures tr{display:flex;flex-wrap:wrap;align-items:baseline;gap:0 11px;padding:8px 0 6px}
.figures thead tr,.figures tfoot tr{padding:0}.figures tfoot td:empty{display:none}
.figures tbody th{width:100%;padding:0;font-weight:600}
.figures .strip-cell{width:100%;flex-basis:100%;padding:0 8px}
.figures td{padding:0}.figures td[data-name]::before{content:attr(data-name) " ";
color:var(--faint);font-size:11.5px}
.num{text-align:left!important}.goal-cell b{display:inline;margin-right:8px}
.tick:nth-child(even){visibility:hidden}
.plot{grid-template-columns:38px 1fr 8px}.end{display:none}.legend{display:block}
.numbers{height:62px}.numbers .number{top:38px}
.numbers .number:nth-child(3n+2){top:19px}.numbers .number:nth-child(3n){top:0}
.wave-row{height:64px}.marks li{grid-template-columns:22px 62px 1fr auto;font-size:13px}
.origin div{flex-basis:100%}
}
@media print{body{background:#fff}.card{break-inside:avoid}audio{display:none}}
"""

SCRIPT = """
"use strict";
const tip = document.getElementById("tip");
const text = (v) => Math.abs(v) >= 1000 ? Math.round(v).toLocaleString("en")
  : String(Number(v.toPrecision(4)));
const value = ([low, high, log], share) => log ? low * Math.pow(high / low, share)
  : low + share * (high - low);
const place = ([low, high, log], v) => log ? Math.log(v / low) / Math.log(high / low)
  : (v - low) / (high - low);
const share = (event, box) => Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
function say(event, words) {
  tip.textContent = words;
  tip.style.display = "block";
  const room = innerWidth - tip.offsetWidth - 8;
  tip.style.left = Math.max(4, Math.min(room, event.clientX + 14)) + "px";
  tip.style.top = Math.max(4, event.clientY - tip.offsetHeight - 12) + "px";
}
const hush = () => { tip.style.display = "none"; };
for (const strip of document.querySelectorAll(".strip[data-scale]")) {
  const scale = JSON.parse(strip.dataset.scale);
  const dots = strip.querySelector(".dots")?.getAttribute("d");
  if (!dots) continue;
  const places = [...dots.matchAll(/M([\\d.]+)/g)].map((found) => Number(found[1]) / 1000);
  strip.addEventListener("pointermove", (event) => {
    const at = share(event, strip.getBoundingClientRect());
    const below = places.filter((each) => each <= at).length / places.length;
    say(event, `${text(value(scale, at))} ${strip.dataset.unit}\\n` +
      `${Math.round(100 * below)} % are at or below`);
  });
  strip.addEventListener("pointerleave", hush);
}
for (const area of document.querySelectorAll(".area")) {
  const scale = JSON.parse(area.dataset.x), series = JSON.parse(area.dataset.series);
  const xs = [...new Set(series.flatMap(([, points]) => points.map((point) => point[0])))];
  const cross = area.querySelector(".cross");
  area.addEventListener("pointermove", (event) => {
    const at = share(event, area.getBoundingClientRect());
    const far = (x) => Math.abs(place(scale, x) - at);
    const x = xs.reduce((best, each) => far(each) < far(best) ? each : best);
    const here = series.flatMap(([legend, points]) => points.filter((point) => point[0] === x)
      .map((point) => [point[1], legend])).sort((a, b) => b[0] - a[0]);
    cross.style.left = 100 * place(scale, x) + "%";
    cross.style.display = "block";
    say(event, [text(x), ...here.map(([y, legend]) => `${text(y)}  ${legend}`)].join("\\n"));
  });
  area.addEventListener("pointerleave", () => { hush(); cross.style.display = "none"; });
}
for (const clip of document.querySelectorAll(".clip[data-length]")) {
  const audio = clip.querySelector("audio"), waves = clip.querySelector(".waves");
  const head = clip.querySelector(".playhead"), length = Number(clip.dataset.length);
  if (!audio) continue;
  const draw = () => {
    head.style.display = "block";
    head.style.left = 100 * Math.min(1, audio.currentTime / length) + "%";
    if (!audio.paused) requestAnimationFrame(draw);
  };
  const go = (seconds) => { audio.currentTime = seconds; audio.play(); };
  audio.addEventListener("play", draw);
  audio.addEventListener("seeked", draw);
  waves.addEventListener("click", (event) =>
    go(length * share(event, waves.getBoundingClientRect())));
  for (const button of clip.querySelectorAll("button[data-at]"))
    button.addEventListener("click", () => go(Number(button.dataset.at)));
}
"""
