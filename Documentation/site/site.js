// Search: every word must occur in a section; headings weigh more than text.
"use strict";

const root = document.body.dataset.root;
const input = document.querySelector("[type=search]");
const list = document.querySelector(".found");
const shown = 20;

// On a phone the page comes before the list of pages.
if (matchMedia("(max-width: 50rem)").matches) {
  for (const group of document.querySelectorAll("nav details")) group.open = false;
}

function score(section, words) {
  let sum = 0;
  for (const word of words) {
    if (section.heading.toLowerCase().includes(word)) {
      sum += section.heading.toLowerCase() === word ? 30 : 10;
    } else if (section.page.toLowerCase().includes(word)) {
      sum += 4;
    } else if (section.text.toLowerCase().includes(word)) {
      sum += 1;
    } else {
      return 0;
    }
  }
  return sum;
}

function excerpt(text, word) {
  const at = text.toLowerCase().indexOf(word);
  return text.slice(Math.max(0, at - 30), Math.max(0, at - 30) + 120);
}

function search() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  list.hidden = words.length === 0;
  if (list.hidden) return;
  const found = searchIndex
    .map((section) => ({ section, score: score(section, words) }))
    .filter((entry) => entry.score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, shown);
  list.replaceChildren(...found.map(({ section }) => {
    const link = document.createElement("a");
    link.href = root + section.address;
    link.textContent = section.heading === section.page
      ? section.page : `${section.page}: ${section.heading}`;
    const small = document.createElement("small");
    small.textContent = excerpt(section.text, words[0]);
    link.append(small);
    const item = document.createElement("li");
    item.append(link);
    return item;
  }));
  if (found.length === 0) {
    const nothing = document.createElement("p");
    nothing.textContent = `No page has “${input.value}”.`;
    list.append(nothing);
  }
}

input.addEventListener("input", search);
input.form.addEventListener("submit", (event) => {
  event.preventDefault();
  list.querySelector("a")?.click();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/INPUT|TEXTAREA/.test(document.activeElement.tagName)) {
    event.preventDefault();
    input.focus();
  } else if (event.key === "Escape") {
    input.value = "";
    search();
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !list.hidden) {
    const links = [...list.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    event.preventDefault();
    (links[at] ?? input).focus();
  }
});
document.addEventListener("click", (event) => {
  if (!input.form.contains(event.target)) list.hidden = true;
});
