"""Tells what a number with M or B counts: parameters, a model, or something else.

The words behind the number say it (`7B model`, `25M protein structures`), or those before it
(`batch size 1M`, `Section 4B`), or the name that it ends (`SA-1B` is a data set).
"""

from __future__ import annotations

import re
from typing import Literal

from claimgrid.entities import benchmarks

Noun = Literal["params", "model", "other", "none"]

PARAMS = re.compile(r"par[ao]m(?:[ae]ter|eteri[sz]ed|etric)?s?|weights", re.I)
_MODEL = re.compile(
    r"total|\w*models?|\w*networks?|\w*lms?|moes?|\w*transformers?|backbones?|variants?|checkpoints?"
    r"|baselines?|\w*coders?|drafters?|students?|teachers?|polic(?:y|ies)",
    re.I,
)
# What else is counted in millions and billions. Most of it in the plural only: `images` are
# counted, but `image` is an attribute in "a 7B image model".
_OTHER = re.compile(
    r"(?:sub)?tokens?|context|words|char(?:acter)?s|windows?|lengths?|images|videos|frames|clips"
    r"|pixels|voxels|points|samples|examples|instances|pairs|triples|triplets|sequences|datasets?"
    r"|corpus|corpora|benchmarks?|archives?|collections?|documents|pages|papers|articles|sentences"
    r"|records|rows|entries|items|users"
    r"|people|queries|questions|prompts|requests|messages|posts|tweets|nodes|edges|vertices"
    r"|entities|cells|atoms|molecules|steps|iterations|episodes|interactions|trajectories|hours"
    r"|years|times|words?|bases|acids|dollars|usd|euros|flops|macs|ops|operations|multiplications|instructions"
    r"|transistors|gates|synapses|neurons|spikes|annotations|masks|boxes|labels|vectors|keys"
    r"|embeddings|reads|sites|lines|hyper"
    # bytes, bits, teslas and chips that end in the same letters
    r"|bytes?|caches?|cachelines?|sectors?|packets?|payloads?|blocks|alignment|aligned"
    r"|transactions|bits?|quanti[sz]\w*|precision|adcs?|mri|fmri|scanners?|npus?|gpus?|chips?"
    r"|accelerators?",
    re.I,
)
# The noun that is counted is not beyond one of these.
STOP = re.compile(
    r"an?|and|are|as|at|by|for|from|has|have|in|into|is|it|on|or|over|per|than|that|the|to|using"
    r"|via|was|were|which|while|with",
    re.I,
)
_NEXT = re.compile(r"[\s~$}+)\\-]{0,4}([A-Za-z]{1,24})")
# Directly behind the number, as one phrase with it: no bracket and no dash between.
_APART = frozenset(
    ["each", "every", "all", "both", "this", "these", "those", "we", "our", "its", "their", "not",
     "vs", "but", "can"]
)  # fmt: skip
_PHRASE = re.compile(r"[\s~]([A-Za-z]{2,24})(?:[\s~]([A-Za-z]{2,24}))?(?:[\s~]([A-Za-z]{2,24}))?")
# `1B-vector index`: the thing itself counted by a compound, in words that name no kind of model.
_COMPOUND = re.compile(
    r"-(?:vector|edge|node|vertex|triple|triplet|pair|word|document|page|record|row|user|item"
    r"|point|pixel|sample|example|sentence|entry|key|rating|molecule|atom|cell|particle|clip)"
    r"(?![A-Za-z])"
)
# Plurals that say which models: their makers, their kinds and their sizes.
_OF_MODELS = re.compile(
    r"\w*(?:ers|ors|isms)|agents|systems|architectures|judges|experts|versions|sizes|scales"
    r"|settings|configurations|configs|setups|families|series|specialists|assistants|nets|lls"
    r"|regimes|budgets|classes|counts|parts|ones|instances|bases|targets|llamas|others|regressions"
    r"|layers|adapters|modules|heads|workloads|deployments|replicas|runs|jobs|activations|coefficients",
    re.I,
)
# `Llama 2 7B achieves`: the verbs of results in the third person.
_VERBS = re.compile(
    r"(?:achiev|outperform|show|reach|match|exceed|surpass|yield|perform|improv|beat|us|requir|run"
    r"|deliver|attain|obtain|giv|provid|get|remain|need|demonstrat|exhibit|offer|lead|allow|enabl"
    r"|reduc|increas|mak|tak|fit|work|scor|rank|set|drop|ris|gain|retain|maintain|trail|lag|los|win"
    r"|do|go|produc|generat|support|generali[sz]|scal|approach|rival|suffer|fail|behav|consum|sav"
    r"|cost|occup|li|fall|becom|top|clos|cover|learn|benefit|respond|answer|solv|converg|see|keep"
    r"|degrad|preserv|activat|contain|compris|compar|report|recover|resist|reveal|stay|struggl|come"
    r"|exist|emerg|enhanc|establish|surfac|collaps|tend|reject|find|help|act|serv|follow|handl"
    r"|dominat|reproduc|eclips|lower|rais|grow|edg|transfer|equal|plateau|saturat|indicat|suggest"
    r"|accelerat|execut|load|train|infer|decod|cut|combin|includ|begin|start|stop|end)(?:e?s|ies)",
    re.I,
)
_NAME_END = re.compile(r"(?:[A-Z][^\s]{0,40}|[-_:/])[\s~]?\Z")
_SENTENCE_WORD = re.compile(
    r"(?<![A-Za-z])(?:An?|As|At|By|For|From|In|Into|On|Over|Per|To|Using|With|About|Across|All|Given"
    r"|Learning|Trained|Training|Of|The|Our|We [a-z]+)[\s~]\Z"
)
# Places in a text and products whose names end in a number and a letter; and what has a size
# that is no count of parameters.
_NOT_MODEL = re.compile(
    r"(?:\bPi|\bAscend|\bFig\.|\bFigures?|\bTables?|\bTab\.|\bSections?|\bSecs?\.|\bEqs?\.|\bEqn\."
    r"|\bEquations?|\bAppendix|\bChapter|\bAlgorithm|\bTheorem|\bLemma|\bLAION|\bCOYO|\bDataComp|%)"
    r"[\s~(-]{0,2}$",
    re.I,
)
# Codes of a line, in bits: written as pairs of sizes would be.
_LINE_CODE = re.compile(r"(?<![0-9.])(?:8b/10b|64b/66b|128b/130b|128b/132b|256b/257b)")
_SIZE_OF_DATA = re.compile(
    r"(?<![a-z])(?:(?:batch|vocab(?:ulary)?|sample|buffer|window|block|data ?set|data|corpus|cache"
    r"|population|codebook|dictionary|index|graph|(?:training|test|train|data)[- ]set|memory"
    r"|context|document|database)[- ]sizes?(?: of| is| was| to| up to|:| =)?"
    r"|(?:vocabular(?:y|ies)|corpus|corpora|data ?sets?|archive|batch(?:es)?|codebook|dictionary)"
    r" of) ?(?:about |around |over |up to |only |~|≈)?$",
    re.I,
)
_FEWER = re.compile(r"[\s~-]{1,2}(?:fewer|less|more)(?![a-z])")
_SMALLER = re.compile(
    r"[\s~-]{1,2}(?:param(?:eter)?s?|weights) (?:fewer|less|more|smaller|larger|bigger|lighter"
    r"|reduction|saved|removed|pruned)(?![a-z])"
)
# A small number counts a network's parameters if the words between say no more than that: "5
# physical parameters" are those of a formula, "two tuning parameters" those of a program.
_OF_NETWORK = re.compile(
    r"[\s~-]{1,3}(?:(?:train(?:able|ed)|learn(?:able|ed)|tun(?:able|ed)|total|additional|extra|new"
    r"|model|network|neural|active|activated|adaptive|unique|shared|variational|quantum|only|real"
    r"|effective|non-zero|nonzero)[\s~-]{1,2}){0,2}param(?:eter)?s?(?![A-Za-z])"
    r"(?![\s-](?:sets?|values?|configurations?|settings?|choices|combinations|populations|ranges|groups"
    r"|types?|families|efficient|matched|sized|free)(?![a-z]))"
)
_ABOUT = r"(?: (?:about|around|roughly|nearly|over|up to|some|only|more than))?[\s~≈]\Z"
_SAVED = re.compile(
    r"(?<![a-z])(?:sav|remov|prun|cut|shed|shav|eliminat|dropp?|discard)"
    rf"(?:e|es|ed|ing|s|ting|ding)?(?: away| off)?{_ABOUT}",
)
_CHANGED_BY = re.compile(
    r"(?<![a-z])(?:reduc|decreas|increas|cut|shr[iau]nk|lower|fewer|smaller|larger|bigger)"
    rf"[^.;:()]{{0,40}} by{_ABOUT}",
)
_PART = re.compile(r"\S{1,40}\s?\Z")
_TWO_PARTS = re.compile(r"\S{1,30}\s\S{1,30}\s?\Z")
_OPENS = "([{\"'`“‘$~"


def noun_behind(after: str, reach: int) -> Noun:
    """What the next words say is counted; `none` if they do not say."""
    position = 0
    for _ in range(reach):
        match = _NEXT.match(after, position)
        if match is None or STOP.fullmatch(match[1]):
            return "none"
        word, position = match[1], match.end()
        if PARAMS.fullmatch(word):
            return "params"
        if _MODEL.fullmatch(word):
            beyond = _NEXT.match(after, position)
            return "params" if beyond and PARAMS.fullmatch(beyond[1]) else "model"
        if _OTHER.fullmatch(word):
            return "other"
        if word.endswith("s"):  # a verb, or a plural that ends the phrase
            return "none"
    return "none"


def counts_plural(before: str, after: str) -> bool:
    """Whether a plural behind the number is counted: `25M protein structures`, `1B-vector index`.

    A name before the number has a verb behind it as a rule: `Kite 7B excels`.
    """
    if _NAME_END.search(before) and not _SENTENCE_WORD.search(before):
        return False
    if _COMPOUND.match(after):
        return True
    phrase = _PHRASE.match(after)
    for word in phrase.groups() if phrase else ():
        if word is None or word in _APART or STOP.fullmatch(word):
            return False
        if PARAMS.fullmatch(word) or _MODEL.fullmatch(word):
            return False
        if word.endswith("s") and not word.endswith(("ss", "us", "is")):
            kind = any(char.isupper() for char in word[1:]) or _OF_MODELS.fullmatch(word)
            return not (kind or _VERBS.fullmatch(word))
    return False


def is_line_code(before: str, written: str, after: str) -> bool:
    """Whether a number with a small b is one of `8b/10b`."""
    return _LINE_CODE.search(f"{before[-6:]}{written}{after[:6]}") is not None


def few_parameters(after: str) -> bool:
    """Whether a number without magnitude, of three digits or fewer, counts parameters of a model.

    Nothing but words of learning stands between: `12 trainable parameters`.
    """
    return _OF_NETWORK.match(after) is not None


def is_no_model(before: str, noun: Noun) -> bool:
    """Whether the words before a number say that it is a place or the size of something else."""
    if _NOT_MODEL.search(before[-16:]):
        return True
    return noun == "none" and _SIZE_OF_DATA.search(before[-48:]) is not None


def is_difference(before: str, after: str) -> bool:
    """Whether parameters are compared: `3M fewer parameters`, `saves 3M parameters`."""
    if _FEWER.match(after) or _SMALLER.match(after):
        return True
    if noun_behind(after, 2) == "params":
        return bool(_SAVED.search(before) or _CHANGED_BY.search(before))
    changed = _CHANGED_BY.search(before) if " by" in before else None
    return changed is not None and PARAMS.search(changed[0]) is not None


def ends_data_name(before: str, written: str, number: float) -> bool:
    """Whether a number ends the name of a data set that the table of benchmarks has: `SA-1B`.

    Where the table has the name without the number (`MovieLens-32M`, `RedPajama-1T`), a count in
    millions or of many billions is of the data: models are named for what they learned from, too
    (`RedPajama-7B`), but are then of some billions.
    """
    for pattern in (_PART, _TWO_PARTS):
        part = pattern.search(before)
        if part is None:
            return False
        name = part[0].lstrip(_OPENS)
        if name[:1].isalnum() and benchmarks.find(f"{name}{written}") is not None:
            return True
        base = name.rstrip("-_ ")
        large = written.endswith("M") or number >= 10**11
        if large and name.endswith(("-", "_")) and benchmarks.find(base) is not None:
            return True
    return False
