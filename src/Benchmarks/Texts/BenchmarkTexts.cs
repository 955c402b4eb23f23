using AsArm.Assd.Randomness;

namespace AsArm.Benchmarks.Texts;

/// <summary>The fixed texts of the benchmark, written for it, and their gaps; the same in every run.</summary>
public static class BenchmarkTexts
{
    private const int OneGapStart = 18;
    private const int OneGapTokens = 16;
    private const int ContinuationStart = 24;

    private static readonly string[] s_stories =
    [
        "On Saturday morning Nora and her father went to the market by the river. They bought red apples, a loaf of bread and some cheese. "
            + "Nora carried the apples, but the bag was old and it broke. The apples rolled down the hill. A kind man stopped his bike and helped her to pick them up.",
        "The old clock in the kitchen had stopped, and nobody knew why. Grandpa took it from the wall and opened the back. "
            + "Inside he found a small spider that had made its home there. He carried it to the garden and set it on a leaf. Then the clock began to tick again.",
        "Ben wanted to build a boat out of paper. He folded a big sheet in half, and then he folded it again. His sister showed him how to make the sides stand up. "
            + "They put the boat on the pond and blew on it. It sailed to the other side before it sank.",
        "It had been snowing all night, and the school was closed. The children put on their warm coats and ran out to play. "
            + "They made a snowman with a long carrot for a nose. In the evening their mother cooked hot soup, and they sat by the fire and told each other stories.",
        "A young fox lived at the edge of the forest near a farm. Every night it looked at the lights in the windows and felt alone. "
            + "One day a dog from the farm came to the fence and sat down. The fox was afraid at first, but soon the two were friends and played in the field.",
        "My aunt drives the bus that goes from our village to the town. She knows the name of every person who gets on. "
            + "When the road is covered with water, she takes the long way over the bridge. Last week she waited for an old woman who had forgotten her glasses, and nobody was angry.",
        "Lucy planted a seed in a pot and put it in the window. She gave it water each day, but nothing came up. "
            + "Her brother said that the seed was too old. Lucy did not give up. After two weeks a tiny green leaf was there, and she danced around the room.",
        "We wanted to see the stars, so we drove to the top of the hill after dinner. The sky was dark and clear, and the air was cold. "
            + "My little brother counted up to fifty and then fell asleep in the car. On the way home we saw a deer that stood in the road and looked at us.",
    ];

    /// <summary>How many texts there are of each kind.</summary>
    public static int Count => s_stories.Length;

    /// <summary>The whole texts.</summary>
    public static IReadOnlyList<string> All => s_stories;

    /// <summary>A text with gaps.</summary>
    public static string Get(TextKind kind, int index)
    {
        string[] words = s_stories[index].Split(' ');
        var random = new SplitMix64(100 * index + (int)kind);
        return string.Join(' ', kind switch
        {
            TextKind.Scattered95 => Scatter(words, 0.95, random),
            TextKind.Scattered50 => Scatter(words, 0.5, random),
            TextKind.OneGap => CutOneGap(words, OneGapTokens),
            TextKind.ManyGaps => CutGaps(words, random),
            TextKind.Continuation => [.. words[..ContinuationStart], "<mask:32>"],
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        });
    }

    private static IEnumerable<string> Scatter(string[] words, double rate, SplitMix64 random) =>
        [.. words.Select(word => random.NextDouble() < rate ? "<mask>" : word)];

    /// <summary>A text with one gap of another length.</summary>
    public static string OneGap(int index, int tokens) => string.Join(' ', CutOneGap(s_stories[index].Split(' '), tokens));

    private static IEnumerable<string> CutOneGap(string[] words, int tokens) =>
        [.. words[..OneGapStart], $"<mask:{tokens}>", .. words[(OneGapStart + (3 * tokens + 3) / 4)..]]; // a word takes some 1.3 tokens

    /// <summary>One to three words out of every seven or so.</summary>
    private static List<string> CutGaps(string[] words, SplitMix64 random)
    {
        var kept = new List<string>();
        for (int i = 0; i < words.Length; i++)
        {
            kept.Add(words[i]);
            if (i % 7 != 3)
                continue;
            int tokens = 1 + (int)(random.NextDouble() * 4);
            kept.Add($"<mask:{tokens}>");
            i += Math.Max(1, tokens - 1); // a word takes some 1.3 tokens
        }

        return kept;
    }
}
