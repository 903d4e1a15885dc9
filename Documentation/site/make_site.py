#!/usr/bin/env python3
"""Builds the documentation site: pages, gallery, API reference and a search over all of them.

  make_site.py BUILD_FOLDER OUTPUT [--base PATH]

The pages are the repository's own Markdown, at the same relative addresses, so that their links hold
in both. BUILD_FOLDER has the built library, for the reference. OUTPUT becomes plain files that load
nothing from elsewhere; PATH is where a server will keep them, if not at its top. Fails when a page is
in no group of the navigation, or when a link names no page, file or heading.
"""

import argparse
import json
import posixpath
import re
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote

import jinja2
import pygments
import pygments.formatters
import pygments.lexers
from markdown_it import MarkdownIt

import reference

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

# What the reader wants to do, and the pages for it. A page's name here is short; its title is its own.
GROUPS = {
    "Start": {
        "Needletail": "README.md",
        "Coming from another tool": "Documentation/coming-from.md",
        "Gallery": "Documentation/gallery.md",
    },
    "Use": {
        "Study file": "Documentation/study-file.md",
        "Objectives": "Documentation/objectives.md",
        "Python": "Documentation/python.md",
        "Samplers and pruners": "Documentation/samplers-and-pruners.md",
        "Command line": "Documentation/command-line.md",
        "Plots": "Documentation/plots.md",
        "Dashboard": "Documentation/dashboard.md",
        "Many machines": "Documentation/many-machines.md",
        "Exchange": "Documentation/exchange.md",
    },
    "Reference": {
        "Study store": "Documentation/store.md",
        "Workers": "Documentation/workers.md",
        "HTTP API": "Documentation/http-api.md",
        "Optuna's service": "Documentation/optuna-service.md",
        "What is stable": "Documentation/stability.md",
        "Who may do what": "SECURITY.md",
        "Changes": "CHANGELOG.md",
        "Benchmarks": "Benchmarks/README.md",
    },
    "Studies to copy": {},
    "Work on it": {
        "Contributing": "CONTRIBUTING.md",
        "Architecture": "Documentation/architecture.md",
        "Decisions": "Documentation/decisions/README.md",
    },
}
GALLERY = "Documentation/gallery.md"
API = "api/documentation/needletail/"
# Pages that their group's first page leads to.
UNLISTED = "Documentation/decisions/0*.md"


def address(path):
    """Where a page of the repository is in the site."""
    if path == "README.md":
        return "index.html"
    if path.endswith("/README.md"):
        return path[:-len("README.md")] + "index.html"
    return path[:-3] + ".html" if path.endswith(".md") else path


def slug(heading, taken):
    """The anchor of a heading, by the rule of the hosts that show Markdown; `taken` counts them."""
    plain = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
    number = taken.get(plain, 0)
    taken[plain] = number + 1
    return f"{plain}-{number}" if number else plain


def highlighted(code, language, _attributes):
    """A code block's HTML, or nothing for a language without a lexer."""
    if not language:
        return ""
    try:
        lexer = pygments.lexers.get_lexer_by_name(language)
    except pygments.util.ClassNotFound:
        return ""
    return pygments.highlight(code, lexer, pygments.formatters.HtmlFormatter(nowrap=True))


class Page:
    """A page of the repository as it stands in the site."""

    def __init__(self, path, text, markdown):
        self.path = path
        self.tokens = markdown.parse(text)
        self.sections, self.anchors, self.links = [], set(), []
        taken = {}
        for place, token in enumerate(self.tokens):
            if token.type == "heading_open":
                heading = plain(self.tokens[place + 1])
                anchor = slug(heading, taken)
                token.attrSet("id", anchor)
                self.anchors.add(anchor)
                self.sections.append({"heading": heading, "anchor": anchor, "text": []})
                if token.tag != "h1":
                    self.tokens[place + 1].meta["anchor"] = anchor
            elif self.sections and token.type in ("inline", "fence", "code_block"):
                self.sections[-1]["text"].append(plain(token))
            for child in token.children or ():
                if child.type in ("link_open", "image"):
                    self.links.append(child)
        if not self.sections:
            sys.exit(f"{path} has no heading; begin it with one")
        self.title = self.sections[0]["heading"]


def plain(token):
    if token.children is None:
        return token.content
    return "".join(
        " " if child.type == "softbreak" else child.content for child in token.children)


def make_markdown():
    markdown = MarkdownIt("commonmark", {"highlight": highlighted}).enable("table")

    def table_open(*_):
        return '<div class="table"><table>'

    def table_close(*_):
        return "</table></div>"

    def heading_close(_renderer, tokens, place, *_):
        anchor = tokens[place - 1].meta.get("anchor")
        link = f' <a class="anchor" href="#{anchor}" aria-label="Link to here">#</a>' if anchor else ""
        return f"{link}</{tokens[place].tag}>\n"

    for rule in (table_open, table_close, heading_close):
        markdown.add_render_rule(rule.__name__, rule)
    return markdown


def gallery():
    """The gallery's text: each figure that `make gallery` left, with its study and kind."""
    lines = ["# Gallery", "",
             "Figures of the studies in [Studies/digits](../Studies/digits), as the command draws them; "
             "[plots](plots.md) tells what each shows.", ""]
    for picture in sorted((ROOT / "Documentation/gallery").glob("*.svg")):
        study, kind = picture.stem.split("-", 1)
        lines += [f"## {kind.replace('-', ' ').capitalize()} of {study}", "",
                  f"    needletail plot {kind} {study} -o {picture.name}", "",
                  f"![{kind} of {study}](gallery/{picture.name})", ""]
    return "\n".join(lines)


class Site:
    """All pages, and the files that they name."""

    def __init__(self, output):
        self.output, self.markdown, self.problems = output, make_markdown(), []
        self.groups = {name: dict(pages) for name, pages in GROUPS.items()}
        for readme in sorted((ROOT / "Studies").glob("*/README.md")):
            self.groups["Studies to copy"][readme.parent.name] = str(readme.relative_to(ROOT))
        listed = [path for pages in self.groups.values() for path in pages.values()]
        hidden = [str(file.relative_to(ROOT)) for file in sorted(ROOT.glob(UNLISTED))]
        self.pages = {
            path: Page(path, gallery() if path == GALLERY else (ROOT / path).read_text(), self.markdown)
            for path in [*listed, *hidden]}
        for file in sorted(ROOT.glob("Documentation/**/*.md")):
            if str(file.relative_to(ROOT)) not in self.pages:
                self.problems.append(f"{file.relative_to(ROOT)} is in no group of {Path(__file__).name}")

    def resolve(self, page):
        """Points a page's links to the site, copies what they name, and notes those to nowhere."""
        for link in page.links:
            key = "href" if link.type == "link_open" else "src"
            target = link.attrGet(key)
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = unquote(target).partition("#")
            path = posixpath.normpath(posixpath.join(posixpath.dirname(page.path), name)) if name else page.path
            if (ROOT / path).is_dir() and f"{path}/README.md" in self.pages:
                path += "/README.md"
            if path in self.pages:
                if anchor and anchor not in self.pages[path].anchors:
                    self.problems.append(f"{page.path}: {target} names a heading that {path} has not")
            elif (ROOT / path).is_file() and not anchor:
                (self.output / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / path, self.output / path)
            else:
                self.problems.append(f"{page.path}: {target} names nothing")
                continue
            here = posixpath.dirname(address(page.path))
            found = posixpath.relpath(address(path), here or ".")
            link.attrSet(key, found + (f"#{anchor}" if anchor else ""))

    def write(self):
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE), autoescape=True, trim_blocks=True,
            undefined=jinja2.StrictUndefined)
        environment.filters["address"] = address
        template = environment.get_template("page.html")
        groups = list(self.groups.items())
        groups[2][1]["Swift library"] = API
        for path, page in self.pages.items():
            self.resolve(page)
            content = self.markdown.renderer.render(page.tokens, self.markdown.options, {})
            target = self.output / address(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(template.render(
                title=page.title, path=path, root="../" * address(path).count("/"), groups=groups,
                content=jinja2.utils.markupsafe.Markup(content)))
        for name in ("site.css", "site.js"):
            shutil.copyfile(HERE / name, self.output / name)
        colours = "\n".join(
            f"@media (prefers-color-scheme: {scheme}) {{\n"
            f"{pygments.formatters.HtmlFormatter(style=style, nobackground=True).get_style_defs('pre')}\n}}"
            for scheme, style in (("light", "default"), ("dark", "github-dark")))
        with open(self.output / "site.css", "a") as sheet:
            sheet.write(colours)

    def index(self):
        """What the search looks through: sections of pages, and the reference's symbols."""
        found = [
            {"page": page.title, "heading": section["heading"],
             "address": address(path) + ("" if section is page.sections[0] else f"#{section['anchor']}"),
             "text": " ".join(" ".join(section["text"]).split())}
            for path, page in self.pages.items() for section in page.sections]
        tree = json.loads((self.output / "api/index/index.json").read_text())

        def walk(nodes):
            for node in nodes:
                if "path" in node and node["type"] not in ("module", "symbol"):
                    yield {"page": "Swift library", "heading": node["title"], "text": node["type"],
                           "address": f"api{node['path']}/"}
                yield from walk(node.get("children", ()))

        found += walk(tree["interfaceLanguages"]["swift"])
        text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
        (self.output / "search-index.js").write_text(f"const searchIndex = {text};\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--base", default="", help="where a server keeps the site: /needletail")
    options = parser.parse_args()
    output = options.output.resolve()
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    reference.make(options.build.resolve(), output / "api", base=f"{options.base.strip('/')}/api".strip("/"))
    site = Site(output)
    site.write()
    site.index()
    if site.problems:
        sys.exit("\n".join(site.problems))
    print(f"to read it: python3 -m http.server --directory {output} 8080, then open http://localhost:8080")


if __name__ == "__main__":
    main()
