"""Template tags that place texts of the site and leave their key on the element, so the page can switch language.

They read `strings` (frontend.strings.Strings) from the context.
"""

from __future__ import annotations

import json
from typing import Any

from django import template
from django.template.context import Context
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from frontend.strings import Strings

register = template.Library()


def _strings(context: Context) -> Strings:
    strings = context["strings"]
    assert isinstance(strings, Strings)
    return strings


@register.simple_tag(takes_context=True)
def s(context: Context, key: str, **values: Any) -> str:
    """The bare text, for titles and options."""
    return _strings(context).text(key, values)


@register.simple_tag(takes_context=True)
def t(context: Context, key: str, **values: Any) -> SafeString:
    """The text in a span that carries its key."""
    text = _strings(context).text(key, values)
    return format_html('<span data-i18n="{}"{}>{}</span>', key, _values(values), text)


@register.simple_tag(takes_context=True)
def told(context: Context, key: str, values: dict[str, Any]) -> SafeString:
    """As `t`, with the values of the text in one dictionary: for findings whose values the server chose."""
    return t(context, key, **values)


@register.simple_tag(takes_context=True)
def label(context: Context, key: str) -> SafeString:
    """An aria-label attribute."""
    return format_html('aria-label="{}" data-i18n-label="{}"', _strings(context).text(key), key)


@register.simple_tag(takes_context=True)
def tip(context: Context, key: str) -> SafeString:
    """An aria-label attribute, and the same as a title for the mouse: for buttons that show only a drawing."""
    text = _strings(context).text(key)
    return format_html(
        'aria-label="{text}" title="{text}" data-i18n-label="{key}" data-i18n-title="{key}"', text=text, key=key
    )


@register.simple_tag(takes_context=True)
def placeholder(context: Context, key: str, **values: Any) -> SafeString:
    """A placeholder attribute."""
    text = _strings(context).text(key, values)
    return format_html('placeholder="{}" data-i18n-placeholder="{}"{}', text, key, _values(values))


@register.simple_tag
def icon(name: str) -> SafeString:
    """A drawing from icons.svg, hidden from screen readers: the control has a label."""
    source = static("frontend/img/icons.svg")
    return format_html(
        '<svg class="icon icon-{}" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>', name, source, name
    )


def _values(values: dict[str, Any]) -> SafeString | str:
    if not values:
        return ""
    kept = json.dumps({name: str(value) for name, value in values.items()}, ensure_ascii=False)
    return format_html(' data-i18n-values="{}"', kept)
