using AsArm.Assd.Distributions;
using AsArm.Assd.Randomness;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Patterns;
using AsArm.Inference.Tests.Patterns;
using AsArm.Inference.Tests.Support;
using AsArm.Inference.Tests.Tokenization;
using AsArm.Inference.Text;

namespace AsArm.Inference.Tests.Constraints;

/// <summary>Allowed tokens against all sequences of some tokens, decoded and matched: exactly those that an accepted sequence of the given length goes on with.</summary>
[TestClass]
public sealed class TokenAutomatonTests
{
    private const int Tokens = 14, MaxTokens = 3;

    private static readonly Dictionary<string, InfillTokenizer> s_tokenizers = new()
    {
        ["pieces"] = Tokenizers.Stories,
        ["bytes"] = ByteLevelFolder.OpenTokenizer(),
        ["code"] = Tokenizers.Xlnet(null, ModelManifest.CodeEncoding),
    };

    public static IEnumerable<string> Kinds => s_tokenizers.Keys;

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Allowed_RandomSets_AreThoseOfAcceptedSequences(string kind)
    {
        int accepted = 0, refused = 0, deadEnds = 0;
        for (int seed = 0; seed < 150; seed++)
        {
            TokenSubset subset = TokenSubset.Short(s_tokenizers[kind], Tokens, seed, kind == "bytes" ? 2 : 3);
            TextAutomaton texts = RandomSet(seed, subset);
            var automaton = new TokenAutomaton(RandomSet(seed, subset), subset.Texts, MaxTokens);
            foreach (bool isSpaceShown in (bool[])[false, true])
            {
                for (int length = 1; length <= MaxTokens; length++)
                {
                    var expected = new HashSet<string>();
                    foreach (int[] sequence in subset.Sequences(length).Where(sequence => Matches(texts, subset.TextOf(sequence, isSpaceShown))))
                    {
                        for (int end = 1; end <= length; end++)
                            expected.Add(string.Join(',', sequence[..end]));
                    }

                    (accepted, refused) = (accepted + (expected.Count > 0 ? 1 : 0), refused + (expected.Count > 0 ? 0 : 1));
                    Assert.AreEqual(expected.Count > 0, automaton.CanEnd(automaton.StartOf(isSpaceShown), length));
                    Assert.AreEqual(expected.Count > 0, automaton.CanBegin(automaton.StartOf(isSpaceShown), length, null));
                    deadEnds += Compare(automaton, subset, automaton.StartOf(isSpaceShown), [], length, expected);
                }
            }
        }

        Console.WriteLine($"{kind}: {accepted} with fillings, {refused} without, {deadEnds} dead ends avoided");
        Assert.IsGreaterThan(200, accepted);
        Assert.IsGreaterThan(50, refused);
        Assert.IsGreaterThan(50, deadEnds, "Control: allowing what is right so far would differ.");
    }

    /// <summary>A beginning may be banned, by the space typed before the gap.</summary>
    [TestMethod]
    public void CanBegin_BannedTokens_AreNotCounted()
    {
        InfillTokenizer tokenizer = Tokenizers.Stories;
        var automaton = new TokenAutomaton(PatternAutomaton.Compile("cat|dog"), tokenizer.Texts, 2);
        int start = automaton.StartOf(isSpaceShown: true);
        Assert.IsTrue(automaton.CanBegin(start, 1, tokenizer.WithoutMark));
        Assert.IsFalse(automaton.CanBegin(start, 1, new TokenSet(Enumerable.Range(0, tokenizer.VocabularySize))));
        Assert.IsFalse(automaton.CanBegin(automaton.StartOf(isSpaceShown: false), 1, tokenizer.WithoutMark), "A word with its space is not in the set.");
    }

    /// <summary>Patterns whose fillings cannot be found in bounded time and memory are refused; others of the same size are not.</summary>
    [TestMethod]
    [DataRow("[a-z ]{0,600}")]
    [DataRow("(a|b|c|d|e)*.{9}")]
    [DataRow(".*")]
    [DataRow("(([a-z]{1,9} ){1,9}[.!?]){1,9}")]
    public void Create_LargePatterns_AreBounded(string pattern)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            var automaton = new TokenAutomaton(PatternAutomaton.Compile(pattern), Tokenizers.Stories.Texts, 512);
            Assert.IsTrue(automaton.CanEnd(automaton.StartOf(isSpaceShown: false), 12));
        }
        catch (PatternException error)
        {
            StringAssert.Contains(error.Message, "too complex");
        }

        Assert.IsLessThan(1L << 30, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [TestMethod]
    public void Create_MoreWorkThanAllowed_IsRefused() => StringAssert.Contains(
        Assert.ThrowsExactly<PatternException>(() => new TokenAutomaton(new Intersection(PatternAutomaton.Compile("(?i)([a-z ]{997})*"), PatternAutomaton.Compile("(?i)([a-z ]{991})*")), Tokenizers.Stories.Texts, 512)).Message,
        "too complex");

    private static int Compare(TokenAutomaton automaton, TokenSubset subset, int state, int[] prefix, int left, HashSet<string> expected)
    {
        int deadEnds = 0;
        HashSet<int> allowed = [.. automaton.AllowedTokens(state, left)];
        foreach (int token in subset.Ids)
        {
            int[] longer = [.. prefix, token];
            bool isExpected = expected.Contains(string.Join(',', longer));
            Assert.AreEqual(isExpected, allowed.Contains(token), $"{string.Join(',', longer)}, {left} left");
            int next = automaton.Next(state, token);
            if (!isExpected)
                deadEnds += next == TokenAutomaton.None ? 0 : 1;
            else if (left > 1)
                deadEnds += Compare(automaton, subset, next, longer, left - 1, expected);
        }

        Assert.AreEqual(allowed.Count, automaton.Allowed(state, left).Count);
        return deadEnds;
    }

    /// <summary>A lone part of a character is decoded as U+FFFD, which is not in the sets.</summary>
    private static bool Matches(TextAutomaton texts, string text) => !text.Contains('\uFFFD') && texts.Matches(text);

    /// <summary>An expression, or a number of characters, or both; or texts that sequences of the tokens have.</summary>
    private static TextAutomaton RandomSet(int seed, TokenSubset subset)
    {
        var random = new SplitMix64(seed + 1_000);
        TextAutomaton? expression = Compile(new RandomPattern(seed).Expression());
        string[] texts = [.. Enumerable.Range(0, 6).Select(i => subset.TextOf([.. Enumerable.Range(0, 1 + (i / 2)).Select(_ => subset.Ids[random.Next(subset.Ids.Length)])], isSpaceShown: i % 2 == 0))];
        return (seed % 4) switch
        {
            0 when expression is not null => expression,
            1 => new CharacterCount(2, 3),
            2 => new Intersection(new CharacterCount(1, 4), Compile("[^aeiou]+|.{3}")!),
            _ => Compile(string.Join('|', texts.Select(System.Text.RegularExpressions.Regex.Escape)))!,
        };
    }

    private static PatternAutomaton? Compile(string expression)
    {
        try
        {
            return PatternAutomaton.Compile(expression);
        }
        catch (PatternException)
        {
            return null;
        }
    }
}
