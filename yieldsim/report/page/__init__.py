"""The page of an ensemble: one HTML file that explores itself, without a network.

`document` fills `assets/page.html` with the style, the scripts, the static tables (`sections`) and
the data (`data`). Charts are SVG that a script of ours draws: the page needs four kinds of chart,
which take less than 20 kB, while uPlot (51 kB) draws on a canvas, which a screen reader and a
printer cannot read, and Observable Plot with d3 takes 490 kB. The template has a handful of
places, so no template engine is needed.
"""
