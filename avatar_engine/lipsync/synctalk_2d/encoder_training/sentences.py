"""What the voices say for the encoder to learn from: sentences composed from word lists, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Sequence

_WHO = """
my neighbour|the young pilot|a quiet farmer|both judges|our old teacher|the museum guide|five tired boys|a good friend
the blue whale|that noisy parrot|her cousin from Boston|the mayor|someone in the back row|the chef|a photographer
your grandmother|the whole village|this huge machine|a child with freckles|the postman|their puppy|the youth choir
nobody I know|the weather man|a judge in Geneva|the third jockey|a thin grey fox|the plumber|my favourite author
""".replace("\n", "|")
_DID = """
bought|carried|painted|forgot about|laughed at|measured|polished|whispered about|threw away|borrowed|photographed
chose|mentioned|pushed|repaired|showed us|voted for|watched|would rather have|zipped up|found|sold|brought back
could not believe|enjoyed|looked after|thought about|moved|opened|squashed|juggled with|buried|gave me|wrote about
""".replace("\n", "|")
_WHAT = """
a bag of ripe plums|the wooden ship|three cheap umbrellas|an oval mirror|the rough map|five boiled eggs|the vase
a pair of leather shoes|fresh fish|the oldest book in town|a jar of thick yoghurt|the Japanese garden|a yellow boat
the broken window|both measurements|half the orange juice|some warm bread|a beautiful view|my purple coat|the bill
a very large mushroom|seven wolves|that awful noise|the television|an unusual treasure|two thousand stamps
this blue velvet chair|a cup of weak tea|the first chapter|a photo of the moon|enough rope|the village church
""".replace("\n", "|")
_WHERE = """
by the river|in the middle of May|at half past five|before breakfast|on the way to Paris|under the bridge
near the old factory|behind the theatre|for the third time|with both hands|during the show|in front of everybody
without a word|after the match|on a very foggy morning|just above the waterfall|for about an hour|in the bathroom
as far as I remember|from the top of the tower|with great pleasure|between two buildings|out of pure joy|last July
""".replace("\n", "|")
_OPEN = """
Well|Honestly|Yesterday|Oh|You see|Believe it or not|Every Thursday|As usual|Some years ago|Perhaps|Of course|Wow
To my surprise|In other words|By the way|So far|Fortunately|Once upon a time|At first|Meanwhile|Hmm|Right|Anyway
""".replace("\n", "|")
_FRAMES = (
    "{open}, {who} {did} {what} {where}.",
    "{who} {did} {what}, and {who2} {did2} {what2}.",
    "Did you hear that {who} {did} {what} {where}?",
    "{where}, {who} {did} {what}.",
    "I think {who} {did} {what} because {who2} {did2} {what2} {where}.",
    "{who} {did} {what} {where}!",
    "{open}, nobody {did} {what}.",
    "Why would anyone say that {who} {did} {what}?",
)
_PLAIN_ENGLISH = (
    "Peter Piper picked a peck of pickled peppers.",
    "She sells sea shells, but he sells five fresh fish.",
    "How much wood would a woodchuck chuck if a woodchuck could chuck wood?",
    "Many men, many women and many more mice moved to Memphis.",
    "Bob brought big blue balloons by bus.",
    "We viewed the vast valley of the Volga with vivid interest.",
    "Thirty-three thousand thoughtful thinkers thanked the father.",
    "Oh no, you go slowly over the open road, so go home alone.",
    "Whose shoes do you choose, the blue or the few new ones?",
    "Each evening these three queens eat cheese and peaches.",
    "The large calm star fell far apart in the dark park.",
    "Our house is out of town, somewhere down south.",
    "The boy enjoyed the toy and annoyed the noisy employee.",
    "Hi, I might try to drive by five times at night.",
    "They say the late train may take all day to arrive.",
    "Up above, the sun comes up and the bus runs under us.",
    "The usual vision of leisure is a measure of pleasure.",
    "Yes, the young lawyer used yellow yarn yesterday.",
    "Red lorries and yellow lorries really roll on rural roads.",
    "Good books look good when a good cook took them.",
    "Welcome back to the show, everybody, and thank you for watching.",
    "That is a wonderful question, let me think about it for a moment.",
    "The temperature will be eighteen degrees, with a little rain before noon.",
    "Please give my warm greetings to your family in Vancouver.",
    "If you have just joined us, my name is Mira and this is our evening programme.",
    "One, two, three, four, five, six, seven, eight, nine, ten.",
    "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday.",
    "Place blue at F two now. Set white with P seven again. Bin green by V nine soon. Lay red in X one please.",
    "Set red at B four please. Place white by M five now. Bin blue in G zero again. Lay green with K three soon.",
    "A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, S, T, U, V, X, Y, Z.",
)

_ZH_WHO = (
    "我妈妈|那位老师|隔壁的小王|三个学生|我们的朋友|一只白猫|他爷爷|新来的医生|"
    "这个司机|大家|主持人|一位画家|小鸟|我弟弟|女服务员"
)
_ZH_WHEN = (
    "昨天晚上|上个星期五|今年夏天|每天早上|刚才|十分钟以前|下雨的时候|吃完饭以后|去年春节|中午十二点|有一次|放学以后"
)
_ZH_WHERE = (
    "在河边|在厨房里|在火车站旁边|在北京|在图书馆门口|在山顶上|在花园里|在朋友家|在马路对面|在学校后面|在海边|在办公室"
)
_ZH_DID = "买了|看见了|丢了|画了|准备了|找到了|送给我|介绍了|忘记了|喜欢上了|修好了|带来了|卖掉了|发现了|拍了"
_ZH_WHAT = (
    "一本旧书|两张电影票|很多苹果|一把红色的雨伞|三条鱼|一封长信|一辆自行车|一幅漂亮的画|半个西瓜|一杯热茶|"
    "四件衣服|一只蝴蝶|几朵玫瑰花|一首老歌|一块手表|一锅鸡汤|一张地图|五个包子|一双皮鞋|一台电脑"
)
_ZH_OPEN = "其实|听说|对了|没想到|真奇怪|说实话|当然|哎呀|后来|不过|所以|好吧"
_ZH_FRAMES = (
    "{open},{who}{when}{where}{did}{what}。",
    "{when},{who}{where}{did}{what}。",
    "你知道吗?{who}{when}{did}{what}。",
    "{who}{where}{did}{what},真的非常高兴!",
    "{open},谁{where}{did}{what}?",
    "{when}{who}{did}{what},然后慢慢走回家去了。",
)
_PLAIN_CHINESE = (
    "大家好,欢迎来到我们的节目。",
    "八百标兵奔北坡,炮兵并排北边跑。",
    "四是四,十是十,十四是十四,四十是四十。",
    "吃葡萄不吐葡萄皮,不吃葡萄倒吐葡萄皮。",
    "红凤凰,粉凤凰,红粉凤凰花凤凰。",
    "妈妈骑马,马慢,妈妈骂马。",
    "谢谢你的问题,让我想一想再回答。",
    "明天天气晴朗,最高气温二十五度,晚上可能下小雨。",
    "你喜欢喝绿茶,还是喜欢喝咖啡?",
    "这个故事很长,我们下次再慢慢说吧。",
    "一二三四五,上山打老虎,老虎不在家,打到小松鼠。",
    "请问去博物馆怎么走?一直往前,到路口向右拐。",
    "语言是一座桥,把我们的心连在一起。",
    "月亮又圆又大,照着安静的村庄和弯弯的小河。",
    "我要一碗牛肉面,再来两个鸡蛋,谢谢。",
    "无论如何,我们都应该努力学习,互相帮助。",
)


def compose_english(count: int, seed: int) -> list[str]:
    """`count` sentences: the plain ones first, then composed ones."""
    draw = random.Random(seed)
    words = {"open": _OPEN, "who": _WHO, "did": _DID, "what": _WHAT, "where": _WHERE}
    composed = [_fill(draw, _FRAMES, words) for _ in range(count - len(_PLAIN_ENGLISH))]
    return [*_PLAIN_ENGLISH, *(text[0].upper() + text[1:] for text in composed)][:count]


def compose_chinese(count: int, seed: int) -> list[str]:
    """`count` sentences: the plain ones first, then composed ones."""
    draw = random.Random(seed)
    words = {"open": _ZH_OPEN, "who": _ZH_WHO, "did": _ZH_DID, "what": _ZH_WHAT, "where": _ZH_WHERE, "when": _ZH_WHEN}
    return [*_PLAIN_CHINESE, *(_fill(draw, _ZH_FRAMES, words) for _ in range(count - len(_PLAIN_CHINESE)))][:count]


def _fill(draw: random.Random, frames: Sequence[str], words: dict[str, str]) -> str:
    """One sentence; a place with a 2 after its name is filled from the same list."""
    lists = {name: [word for word in text.split("|") if word] for name, text in words.items()}
    slots = {name + suffix: draw.choice(choices) for name, choices in lists.items() for suffix in ("", "2")}
    return draw.choice(frames).format(**slots)
