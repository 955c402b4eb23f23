using AsArm.Assd.Randomness;
using AsArm.Inference.Text;

namespace AsArm.Inference.DraftMeasurement;

/// <summary>
/// Makes prompts with gaps of several kinds from passages of held-out texts: scattered words, one gap, several gaps, a continuation. A gap
/// has as many tokens as the words that it replaces.
/// </summary>
/// <param name="tokenizer">Counts the tokens of gaps.</param>
/// <param name="maxLength">The longest sequence of the model, in tokens.</param>
internal sealed class DraftingPrompts(InfillTokenizer tokenizer, int maxLength)
{
    private const int MinPassages = 8;
    private const int Kinds = 5;
    private const int OneGapWords = 12;

    private readonly int _maxWords = Math.Clamp(maxLength / 2, 8, 64);

    private int MinWords => _maxWords * 5 / 8;

    /// <summary>Prompts from all texts and of all kinds in turn, from passages that are spread evenly over each text.</summary>
    /// <param name="texts">At least one.</param>
    /// <param name="count">Number of prompts; fewer are returned if some are too long for the model.</param>
    /// <exception cref="InfillTextException">A text has too few passages, or all are too long for the model.</exception>
    public List<InfillPrompt> Create(IReadOnlyList<DraftingText> texts, int count)
    {
        List<string[]>[] passages = [.. texts.Select(Passages)];
        var prompts = new List<InfillPrompt>();
        int perText = (count + texts.Count - 1) / texts.Count;
        for (int i = 0; i < count; i++)
        {
            List<string[]> ofText = passages[i % texts.Count];
            int number = i / texts.Count, index = perText <= ofText.Count ? (int)((long)number * ofText.Count / perText) : number % ofText.Count;
            InfillPrompt prompt = CreatePrompt(ofText[index], number % Kinds, new SplitMix64(i));
            if (tokenizer.CountTokens(prompt).Fits)
                prompts.Add(prompt);
        }

        return prompts.Count > 0 ? prompts : throw new InfillTextException($"No passage of {texts[0].Name} fits the model, which takes {maxLength} tokens.");
    }

    private List<string[]> Passages(DraftingText text)
    {
        List<string[]> passages =
        [
            .. text.Documents.SelectMany(document => document.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Chunk(_maxWords))
                .Where(passage => passage.Length >= MinWords),
        ];
        return passages.Count >= MinPassages ? passages : throw new InfillTextException(
            $"{text.Name} is too short: {passages.Count} passages of {MinWords} words or more within a document, at least {MinPassages} are needed.");
    }

    private InfillPrompt CreatePrompt(string[] words, int kind, SplitMix64 random)
    {
        var unknown = new bool[words.Length];
        bool merges = kind > 1 || random.NextDouble() < 0.5; // neighbouring unknown words become one gap, or a gap each
        switch (kind)
        {
            case 0 or 1:
                double rate = kind == 0 ? 0.95 : 0.5;
                for (int i = 0; i < words.Length; i++)
                    unknown[i] = random.NextDouble() < rate;
                break;
            case 2:
                int length = Math.Min(OneGapWords, words.Length - 2);
                unknown.AsSpan(1 + (int)(random.NextDouble() * (words.Length - length - 1)), length).Fill(true);
                break;
            case 3:
                for (int i = 3; i < words.Length; i += 7)
                    unknown.AsSpan(i, Math.Min(1 + (int)(random.NextDouble() * 3), words.Length - i)).Fill(true);
                break;
            default:
                unknown.AsSpan(words.Length / 2).Fill(true);
                break;
        }

        unknown[^1] |= !unknown.Contains(true);
        return Join(words, unknown, merges);
    }

    private InfillPrompt Join(string[] words, bool[] unknown, bool merges)
    {
        var prompt = new InfillPrompt();
        for (int i = 0, end; i < words.Length; i = end)
        {
            for (end = i + 1; merges && unknown[i] && end < words.Length && unknown[end]; end++)
            {
            }

            if (i > 0)
                prompt.AddText(" ");
            if (unknown[i])
                prompt.AddGap(Math.Max(1, tokenizer.EncodeStart(string.Join(' ', words[i..end])).Length));
            else
                prompt.AddText(words[i]);
        }

        return prompt;
    }
}
