// What is on the page, in its order: pictures, charts, widgets and words.
() => {
  const words = (element) => ((element?.checkVisibility() ? element.innerText : element?.textContent) ?? "").trim();
  const hash = (text) => [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, 7);

  const picture = (image) => ({
    kind: "picture", address: image.src, width: image.clientWidth, alt: image.alt,
    words: words(image.closest('[data-testid="stImage"], figure, [data-testid="stImageContainer"]')?.parentElement),
  });

  const chart = (plot) => {
    const trace = plot._fullData[0], cells = trace.z;
    return {
      kind: "chart", type: trace.type, width: plot.clientWidth, height: plot.clientHeight,
      rows: cells ? cells.length : trace.x.length, columns: cells ? cells[0].length : 1,
      identity: String(hash(JSON.stringify(plot.data[0].z ?? plot.data[0].x))),
    };
  };

  const grid = (buttons) => {
    const style = getComputedStyle(buttons[0]);
    return {
      kind: "grid", address: style.backgroundImage.slice(5, -2), size: style.backgroundSize,
      width: buttons[0].clientWidth, height: buttons[0].parentElement.clientHeight,
      places: buttons.map((button) => getComputedStyle(button).backgroundPosition),
      titles: buttons.map((button) => button.title),
    };
  };

  const field = (kind, element) => ({
    kind, label: words(element.querySelector('[data-testid="stWidgetLabel"]')), words: element.querySelector("input")?.value ?? "",
  });
  const WIDGETS = {
    stButton: (e) => ({ kind: "button", words: words(e.querySelector('[data-testid="stMarkdownContainer"]')),
                        primary: Boolean(e.querySelector('[data-testid="stBaseButton-primary"]')) }),
    stDownloadButton: (e) => ({ kind: "download", words: words(e) }),
    stButtonGroup: (e) => ({ ...field("choice", e), options: [...e.querySelectorAll("button[role]")].map(words) }),
    stSelectbox: (e) => field("list", e),
    stMultiSelect: (e) => field("tags", e),
    stNumberInput: (e) => field("number", e),
    stSlider: (e) => ({ ...field("slider", e), words: e.querySelector('[role="slider"]')?.getAttribute("aria-valuenow") ?? "" }),
    stCheckbox: (e) => ({ kind: "toggle", label: words(e) }),
    stPageLink: (e) => ({ kind: "link", words: words(e) }),
    stMetric: (e) => ({ kind: "metric", label: words(e.querySelector('[data-testid="stMetricLabel"]')),
                        words: words(e.querySelector('[data-testid="stMetricValue"]')) }),
    stHeading: (e) => ({ kind: e.querySelector("h1") ? "title" : "heading", words: words(e) }),
    stAlert: (e) => ({ kind: "alert", words: words(e) }),
    stCode: (e) => ({ kind: "code", words: words(e) }),
    stCaptionContainer: (e) => ({ kind: "caption", words: words(e) }),
  };

  const items = (container) => {
    const thumbnails = [...container.querySelectorAll(".image-grid button")];
    if (thumbnails.length) return [grid(thumbnails)];
    const plots = [...container.querySelectorAll(".js-plotly-plot")];
    if (plots.length) return plots.map(chart);
    const images = [...container.querySelectorAll("img")];
    if (images.length) return images.map(picture);
    const widget = Object.keys(WIDGETS).find((id) => container.querySelector(`[data-testid="${id}"]`));
    if (widget) return [WIDGETS[widget](container)];
    if (container.querySelector('[data-testid^="stBidiComponent"]')) return [{ kind: "component" }];
    return words(container) ? [{ kind: "text", words: words(container) }] : [];
  };
  const containers = document.querySelectorAll('[data-testid="stMain"] [data-testid="stElementContainer"]');
  return [...containers].flatMap((container) =>
    items(container).map((item) => ({ ...item, folded: !container.checkVisibility() })));
}
