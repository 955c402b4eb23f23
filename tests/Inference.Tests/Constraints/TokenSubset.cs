using AsArm.Assd.Randomness;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.Text;
using AsArm.Inference.Tokenization;

namespace AsArm.Inference.Tests.Constraints;

/// <summary>Some tokens of a tokenizer, few enough to try all fillings.</summary>
internal sealed class TokenSubset
{
    private readonly InfillTokenizer _tokenizer;

    public TokenSubset(InfillTokenizer tokenizer, IEnumerable<int> tokens)
    {
        _tokenizer = tokenizer;
        Ids = [.. tokens.Distinct().Order()];
        Texts = new TokenTexts(tokenizer.VocabularySize, [.. Ids.Select(token => tokenizer.Texts.Of(token)!.Value)]);
    }

    public int[] Ids { get; }

    public TokenTexts Texts { get; }

    /// <summary>Random tokens that are short, so that their texts overlap in many ways.</summary>
    public static TokenSubset Short(InfillTokenizer tokenizer, int count, long seed, int maxBytes = 3)
    {
        var random = new SplitMix64(seed);
        int[] candidates = [.. Enumerable.Range(0, tokenizer.VocabularySize).Where(token => tokenizer.Texts.Of(token) is TokenBytes text && text.Bytes.Length <= maxBytes)];
        return new(tokenizer, Enumerable.Range(0, count).Select(_ => candidates[random.Next(candidates.Length)]));
    }

    /// <summary>All sequences of a number of tokens.</summary>
    public IEnumerable<int[]> Sequences(int length) => length == 0 ? [[]]
        : Sequences(length - 1).SelectMany(before => Ids.Select(token => (int[])[.. before, token]));

    /// <summary>The text of a sequence, by the decoder.</summary>
    public string TextOf(int[] tokens, bool isSpaceShown) => isSpaceShown ? _tokenizer.DecodeAfterSpace(tokens) : _tokenizer.Decode(tokens);
}
