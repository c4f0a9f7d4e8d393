// What is on the page, in its order: pictures, charts, widgets and words.
() => {
  const words = (element) => ((element?.checkVisibility() ? element.innerText : element?.textContent) ?? "").trim();
  const hash = (text) => [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, 7);

  const picture = (image) => ({
    kind: "picture", address: image.src, width: image.clientWidth, alt: image.alt,
    words: words(image.closest('[data-testid="stImage"], figure, [data-testid="stImageContainer"]')?.parentElement),
  });

  const trace = (full) => ({
    type: full.type, rows: full.z ? full.z.length : full.x.length, columns: full.z ? full.z[0].length : 1,
  });
  const chart = (plot) => ({
    kind: "chart", width: plot.clientWidth, height: plot.clientHeight, traces: plot._fullData.map(trace),
    identity: String(hash(JSON.stringify(plot.data))),
  });

  // Thumbnails are parts of one picture: the background of each button, or of something in it.
  const background = (button) =>
    [button, ...button.querySelectorAll("*")].map((element) => getComputedStyle(element))
      .find((style) => style.backgroundImage.startsWith("url("));
  const grid = (buttons) => {
    const styles = buttons.map(background);
    return {
      kind: "grid", address: styles[0].backgroundImage.slice(5, -2), size: styles[0].backgroundSize,
      width: styles[0].width, cell: buttons[0].clientWidth, height: buttons[0].closest(".image-grid").clientHeight,
      places: styles.map((style) => style.backgroundPosition),
      titles: buttons.map((button) => button.title), words: buttons.map((button) => button.innerText),
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

  // A bare page has what Streamlit offers in its place.
  const steps = (element) => [
    { kind: "button", words: "Previous", primary: false },
    { kind: "number", label: "image", words: element.querySelector("input").value },
    { kind: "button", words: "Next", primary: false },
  ];

  // Of a stage each canvas is a picture, each number beside them a metric, and each class a line.
  const staged = (stage) => [
    ...[...stage.querySelectorAll("figure")].filter((one) => one.querySelector("canvas").width > 1).map((figure) => ({
      kind: "picture", address: figure.querySelector("canvas").toDataURL("image/png"), width: figure.clientWidth,
      alt: figure.querySelector("[data-picture]").getAttribute("aria-label"), words: words(figure.querySelector(".caption")),
    })),
    ...[...stage.querySelectorAll("dt")].map((label) => ({ kind: "metric", label: words(label), words: words(label.nextElementSibling) })),
    ...[...stage.querySelectorAll(".class-bars")].map((bars) => ({ kind: "text", words: words(bars) })),
  ];

  const items = (container) => {
    const stage = container.querySelector(".stage");
    if (stage) return staged(stage);
    if (container.querySelector(".page-skeleton")) return [];
    const stepped = container.querySelector(".steps:not([hidden])");
    if (stepped) return steps(stepped);
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

  const ITEM = '[data-testid="stElementContainer"]';
  const BLOCK = '[data-testid="stVerticalBlock"], [data-testid="stHorizontalBlock"], [data-testid="stGrid"]';
  const FOLD = '[data-testid="stExpander"]';
  const isRow = (element) => getComputedStyle(element).display === "grid" || getComputedStyle(element).flexDirection === "row";

  // Blocks side by side stay blocks, each of its width; one below the other they need none.
  const block = (element, inRow) => {
    const row = isRow(element), inside = within(element, row);
    if (inside.length === 0 || row === inRow) return inside;
    return [{ kind: row ? "row" : "column", width: element.clientWidth, items: inside }];
  };
  const within = (element, inRow) =>
    [...element.children].flatMap((child) => {
      if (child.matches(ITEM)) return items(child);
      if (child.matches(BLOCK)) return block(child, inRow);
      if (child.matches(FOLD)) return [{ kind: "fold", items: within(child, false) }];
      return within(child, inRow);
    });
  return within(document.querySelector('[data-testid="stMain"]'), false);
}
