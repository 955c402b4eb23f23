using AsArm.Assd.Ngrams;
using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Randomness;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Text;

namespace AsArm.Inference.DraftMeasurement;

/// <summary>
/// Measures the <see cref="DraftingFigures" /> of a model: acceptance and the weight of the corpus from samples at T = 1 on held-out texts,
/// which give the same figures on the same machine, and the forward-pass overhead from times, rounded coarsely.
/// </summary>
public sealed class DraftingMeasurement
{
    private const int PromptsOfRepeat = 160;
    private const int PromptsOfWeight = 4; // one in so many measures the weight of the corpus
    private const int Positions = 128; // of timed sequences
    private const int RoundsAlone = 60;
    private const int RoundsInBatch = 20;

    private static readonly double[] s_weights = [1, 2, 5, 10, 20, 50, 100];

    private readonly TextInfiller _infiller;
    private readonly DraftingPrompts _prompts;

    /// <summary>Prepares a measurement.</summary>
    /// <param name="infiller">The model, on the device that is measured; nobody else may use it meanwhile, as times are taken.</param>
    /// <exception cref="ModelFolderException">The folder has no tokenizer.</exception>
    public DraftingMeasurement(TextInfiller infiller)
    {
        ArgumentNullException.ThrowIfNull(infiller);
        _infiller = infiller;
        _prompts = new DraftingPrompts(infiller.Tokenizer, infiller.Folder.Manifest.MaxLength);
    }

    /// <summary>Measures on texts, of each as many passages.</summary>
    /// <param name="texts">Held-out texts, at least one.</param>
    /// <param name="repeats">How often 160 prompts are filled; at least 1.</param>
    /// <param name="cancellationToken">Stops within a forward pass.</param>
    /// <returns>The figures, with the forward-pass overheads of other devices as the folder has them; and how many draft tokens were examined.</returns>
    /// <exception cref="InfillTextException">A text is too short.</exception>
    public (DraftingFigures Figures, int DraftTokens) Measure(IReadOnlyList<DraftingText> texts, int repeats, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentOutOfRangeException.ThrowIfZero(texts.Count, nameof(texts));
        ArgumentOutOfRangeException.ThrowIfLessThan(repeats, 1);
        (DraftingFigures figures, int drafts) = MeasureAcceptance(texts, PromptsOfRepeat * repeats, cancellationToken);
        var overhead = new PassOverhead(
            MeasureOverhead(_infiller, batch: 1, cancellationToken), MeasureOverhead(_infiller, TextInfiller.MaxBatchSize, cancellationToken));
        OverheadFigures ofDevices = _infiller.Folder.Manifest.Drafting?.ForwardPassOverhead ?? new();
        return (figures with { ForwardPassOverhead = ofDevices.With(_infiller.Setting.Device, overhead) }, drafts);
    }

    /// <summary>The same without times, on so many prompts.</summary>
    internal (DraftingFigures Figures, int DraftTokens) MeasureAcceptance(IReadOnlyList<DraftingText> texts, int prompts, CancellationToken cancellationToken)
    {
        List<InfillPrompt> all = _prompts.Create(texts, prompts);
        (double? weight, double[]? ownBigrams) = MeasureNgrams(_prompts.Create(texts, prompts / PromptsOfWeight), cancellationToken);
        DraftAcceptanceTally tally = Explore(all, weight, cancellationToken);
        return (new DraftingFigures
        {
            Acceptance = new AcceptanceFigures
            {
                Ngram = ToFigures(tally.RatesOf(DraftSource.Ngram)),
                Network = ToFigures(tally.RatesOf(DraftSource.Network)),
                Product = ToFigures(tally.RatesOf(DraftSource.Product)),
                OwnBigrams = ownBigrams is null ? null : [.. ownBigrams.Select(Rounded)],
            },
            CorpusWeight = weight,
        }, tally.Count);
    }

    /// <summary>The forward-pass overhead in tokens, rounded as <see cref="PassOverhead" /> of asarm.json is.</summary>
    /// <param name="infiller">The model, on its device.</param>
    /// <param name="batch">Sequences of a pass.</param>
    /// <param name="cancellationToken">Stops within a forward pass.</param>
    public static double MeasureOverhead(TextInfiller infiller, int batch, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(infiller);
        int positions = Math.Min(Positions, infiller.Model.MaxLength);
        return CostCurve.Measure(infiller.Model, positions, batch, batch == 1 ? RoundsAlone : RoundsInBatch, cancellationToken).RoundedOverhead;
    }

    /// <summary>
    /// The weight of the corpus with which n-gram drafts overlap most with the model, and the overlap of the sequence's own bigrams by
    /// class, on samples that a sequential sampler made. Targets that have no draft do not count.
    /// </summary>
    private (double? Weight, double[]? OwnBigrams) MeasureNgrams(List<InfillPrompt> prompts, CancellationToken cancellationToken)
    {
        IReadOnlyList<InfillResult> results = _infiller.InfillBatch(
            [.. prompts.Select((prompt, i) => new InfillRequest(prompt, new InfillOptions { Sampler = SamplerKind.Sequential, Seed = i }))], cancellationToken);
        var overlaps = new double[s_weights.Length];
        var own = new DraftAcceptanceTally();
        foreach (FilledSequence filled in results.SelectMany(result => result.Sequences))
        {
            double[] logs = _infiller.LogProbabilities(filled, cancellationToken);
            foreach ((double confidence, double acceptance) in Overlap(filled, logs, null, NgramTable.DefaultCorpusWeight).Where(one => one.Confidence > 0))
                own.Add(DraftSource.Ngram, new DraftTarget(Neighbours.Left, confidence, null, 0), acceptance);
            for (int i = 0; i < overlaps.Length && _infiller.Setting.Ngrams is not null; i++)
                overlaps[i] += Overlap(filled, logs, _infiller.Setting.Ngrams, s_weights[i]).Sum(one => one.Acceptance);
        }

        double? best = _infiller.Setting.Ngrams is null ? null : s_weights[Array.IndexOf(overlaps, overlaps.Max())];
        return (best, own.RatesOfOwnBigrams());
    }

    private (double Confidence, double Acceptance)[] Overlap(FilledSequence filled, double[] logs, NgramTable? table, double weight) =>
        NgramAcceptance.Measure(filled.Order, filled.Tokens, filled.Distribution, logs, _infiller.Setting.Manifest.VocabularySize, table, weight);

    /// <summary>Mostly from left to right, as texts are filled; other orders give examples of n-grams without a left neighbour.</summary>
    private DraftAcceptanceTally Explore(List<InfillPrompt> prompts, double? weight, CancellationToken cancellationToken)
    {
        var tally = new DraftAcceptanceTally();
        long policies = 0;
        InfillSetting setting = _infiller.Setting with
        {
            NewPolicy = () => new ExploringDraftPolicy(tally, new SplitMix64(policies++)),
            CorpusWeight = weight ?? NgramTable.DefaultCorpusWeight,
        };
        _infiller.InfillWith(setting, [.. prompts.Select((prompt, i) => new InfillRequest(prompt, new InfillOptions { Seed = i, Order = OrderOf(i) }))], cancellationToken);
        return tally;
    }

    private static DecodingOrder OrderOf(int prompt) => (prompt / 7 % 8) switch
    {
        3 => DecodingOrder.Random,
        7 => DecodingOrder.RightToLeft,
        _ => DecodingOrder.LeftToRight,
    };

    private static NeighbourRates? ToFigures(double[]? rates)
    {
        if (rates is null)
            return null;
        double[][] rows = [.. rates.Select(Rounded).Chunk(DraftAcceptance.Columns)];
        return new NeighbourRates(rows[0], rows[1], rows[2], rows[3]);
    }

    private static double Rounded(double rate) => Math.Round(rate, 2);
}
