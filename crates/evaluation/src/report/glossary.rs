use super::text::{Both, both, chosen};

type Word = (Both, Both);

fn word(zh: &str, en: &str, zh_meaning: &str, en_meaning: &str) -> Word {
    (both(zh, en), both(zh_meaning, en_meaning))
}

fn interval(level: f64) -> Word {
    let level = chosen(level);
    (
        both(format!("置信区间（{level}）"), format!("Confidence interval, {level}")),
        both(
            format!("换一批说话人重做试验，结果大约有 {level} 的可能落在这个范围内。"),
            format!(
                "Were the test done again with other people, the result would lie about here with {level} certainty."
            ),
        ),
    )
}

fn net_speech() -> Word {
    word(
        "净语音",
        "Net speech",
        "去掉静音、音乐和提示音之后，来电人真正说话的时间。",
        "The time the caller really speaks, without silence, music and announcements.",
    )
}

pub(super) fn verify(level: f64) -> Vec<Word> {
    vec![
        word(
            "漏认",
            "Miss",
            "同一个人的两段录音被判为不同的人。",
            "Two recordings of one person are taken for two people.",
        ),
        word(
            "误认",
            "False match",
            "不同人的两段录音被判为同一个人。",
            "Recordings of two people are taken for one person.",
        ),
        word(
            "等错误率（EER）",
            "Equal error rate",
            "把门槛调到漏认率与误认率相等时的错误率；“凸包”取各门槛最佳组合，“普通”直接取曲线交点，越低越好。",
            "The error rate at the threshold where misses and false matches are equally frequent; on the convex hull it is that of the best mixture of thresholds, plain it is read off the curve. Lower is better.",
        ),
        word(
            "检测代价（DCF）",
            "Detection cost",
            "按“本人占比”（先验）把两种错误加权；0 为完美，1 等于不听声音。最低代价用事后最佳门槛，实际代价用系统自己的门槛。",
            "Both kinds of errors weighted for how often the claim is true (the prior): 0 is perfect, 1 is as good as not listening. The minimum takes the best threshold in hindsight, the actual one the system's own.",
        ),
        word(
            "对数似然比（LLR）",
            "Log-likelihood ratio",
            "声音证据支持“同一人”的程度，自然对数：0 表示不偏不倚，+4.6 表示约 100 倍地支持同一人。",
            "How strongly the voice speaks for the same person, as a natural logarithm: 0 is neutral, +4.6 is a hundredfold for the same person.",
        ),
        word(
            "Cllr",
            "Cllr",
            "似然比整体损失的信息（比特）：0 为完美，1 为毫无信息；与最低 Cllr 的差是校准造成的损失。",
            "Information lost by the likelihood ratios, in bits: 0 is perfect, 1 is no information; what is above the minimum is lost by calibration.",
        ),
        interval(level),
    ]
}

pub(super) fn identify(level: f64) -> Vec<Word> {
    vec![
        word(
            "找到（TPIR）",
            "Found",
            "名单内人员的来电被标记，而且标对了人。",
            "A listed voice's call is tagged, and with the right entry.",
        ),
        word(
            "误标（FPIR）",
            "False tag",
            "不在名单上的人被标记为名单上的某人。",
            "Somebody who is not listed is tagged as somebody who is.",
        ),
        word(
            "首位命中",
            "Rank 1",
            "不设门槛时，最像的那一条正是来电人的比例。",
            "How often the most similar entry is the caller, without any threshold.",
        ),
        word(
            "每千通",
            "Per 1,000 calls",
            "每 1,000 通名单外人员来电中被误标的通数。",
            "How many of 1,000 calls by people who are not listed are tagged.",
        ),
        word(
            "30 次法则",
            "Rule of 30",
            "错误不到 30 次的比率不可靠，以 † 标出。",
            "A rate with fewer than 30 errors behind it is not to be relied on; it is marked †.",
        ),
        interval(level),
    ]
}

pub(super) fn calls(level: f64) -> Vec<Word> {
    vec![
        word(
            "抓到的代理",
            "Proxies caught",
            "名单内代理的来电被标为“疑似代理”，而且标对了人。",
            "A listed proxy's call is tagged as a suspected proxy's, and with the right entry.",
        ),
        word(
            "误标的来电",
            "Wrongly tagged",
            "不在名单上的人（包括真正的客户）被标为“疑似代理”。",
            "Somebody who is not listed, such as the real customer, is tagged as a suspected proxy.",
        ),
        word(
            "判定用时",
            "Time to decision",
            "从来电人开口算起，用了多少秒净语音首次得出结论。",
            "How many seconds of net speech were heard when the verdict first stood.",
        ),
        word(
            "标记的可信度",
            "Worth of a tag",
            "被标记的来电中真正是名单内代理的比例；代理越少见，同样的系统可信度越低。",
            "The share of tagged calls that are truly by listed proxies; the rarer proxies are, the less the same tag is worth.",
        ),
        net_speech(),
        interval(level),
    ]
}
