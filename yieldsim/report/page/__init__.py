"""The page of an ensemble: one interactive HTML file that works offline.

`document` fills `assets/page.html` with the style, the scripts, the static tables (`sections`) and
the data. Our own scripts draw the charts as SVG: five kinds of chart, selectors and sliders take
40 kB, while uPlot (51 kB) draws on a canvas, which no screen reader can read and which prints
coarsely, and Observable Plot with d3 takes 490 kB. The template has a handful of places, so no
template engine is needed.

To add a section: its figures in `analysis.overview.overview`, a function that makes a `Section` of
them (`chips`, `fab`, `world`, `assumed`), and its place in `sections.MAKERS`. A further kind of
chart is a function of `assets/charts.js`, named in ``DRAW`` of `assets/page.js`.
"""
