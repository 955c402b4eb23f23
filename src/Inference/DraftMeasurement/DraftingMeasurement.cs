using AsArm.Assd.Ngrams;
using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Randomness;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Text;

namespace AsArm.Inference.DraftMeasurement;

/// <summary>
/// Measures the <see cref="DraftingFigures" /> of a model. Acceptance and the corpus weight come from samples at T = 1 on held-out texts and
/// are reproducible on one machine; the forward-pass overhead comes from times and is rounded coarsely.
/// </summary>
internal sealed class DraftingMeasurement
{
    private const int PromptsPerRepeat = 160;
    private const int CorpusWeightPrompts = 4; // one prompt in four is used for the corpus weight
    private const int TimedLength = 128; // of the sequences that are timed, in tokens
    private const int TimedPasses = 60;
    private const int TimedPassesInBatch = 20;

    private static readonly double[] s_weights = [1, 2, 5, 10, 20, 50, 100];

    private readonly TextInfiller _infiller;
    private readonly DraftingPrompts _prompts;

    /// <summary>Prepares a measurement.</summary>
    /// <param name="infiller">The model, on the device that is measured. It must not be used by others meanwhile, as passes are timed.</param>
    /// <exception cref="ModelFolderException">The folder has no tokenizer.</exception>
    public DraftingMeasurement(TextInfiller infiller)
    {
        ArgumentNullException.ThrowIfNull(infiller);
        _infiller = infiller;
        _prompts = new DraftingPrompts(infiller.InfillTokenizer, infiller.Folder.Manifest.MaxLength);
    }

    /// <summary>Measures on texts, with the same number of prompts from each.</summary>
    /// <param name="texts">Held-out texts, at least one.</param>
    /// <param name="repeats">Multiples of 160 prompts; at least 1.</param>
    /// <param name="cancellationToken">Stops during a forward pass.</param>
    /// <returns>The figures, with the overheads of other devices taken from the folder; and the number of draft tokens that were verified.</returns>
    /// <exception cref="InfillTextException">A text is too short.</exception>
    public (DraftingFigures Figures, int DraftTokens) Measure(IReadOnlyList<DraftingText> texts, int repeats, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentOutOfRangeException.ThrowIfZero(texts.Count, nameof(texts));
        ArgumentOutOfRangeException.ThrowIfLessThan(repeats, 1);
        (DraftingFigures figures, int draftTokens) = MeasureAcceptance(texts, PromptsPerRepeat * repeats, cancellationToken);
        var overhead = new PassOverhead(
            MeasureOverhead(_infiller, batch: 1, cancellationToken), MeasureOverhead(_infiller, TextInfiller.MaxBatchSize, cancellationToken));
        OverheadFigures overheads = _infiller.Folder.Manifest.Drafting?.ForwardPassOverhead ?? new();
        return (figures with { ForwardPassOverhead = overheads.With(_infiller.Setting.Device, overhead) }, draftTokens);
    }

    /// <summary>Measures acceptance and corpus weight only.</summary>
    internal (DraftingFigures Figures, int DraftTokens) MeasureAcceptance(IReadOnlyList<DraftingText> texts, int prompts, CancellationToken cancellationToken)
    {
        List<InfillPrompt> all = _prompts.Create(texts, prompts);
        (double? weight, double[]? ownBigrams) = MeasureNgrams(_prompts.Create(texts, prompts / CorpusWeightPrompts), cancellationToken);
        DraftAcceptanceTally tally = Explore(all, weight, cancellationToken);
        return (new DraftingFigures
        {
            Acceptance = new AcceptanceFigures
            {
                Ngram = ToFigures(tally.RatesOf(DraftSource.Ngram)),
                Network = ToFigures(tally.RatesOf(DraftSource.Network)),
                Product = ToFigures(tally.RatesOf(DraftSource.Product)),
                Head = ToFigures(tally.RatesOf(DraftSource.Head)),
                OwnBigrams = ownBigrams is null ? null : [.. ownBigrams.Select(Rounded)],
            },
            CorpusWeight = weight,
        }, tally.Count);
    }

    /// <summary>Measures the forward-pass overhead in tokens, rounded as in asarm.json (<see cref="PassOverhead" />).</summary>
    /// <param name="infiller">The model, on its device.</param>
    /// <param name="batch">Number of sequences in a pass.</param>
    /// <param name="cancellationToken">Stops during a forward pass.</param>
    public static double MeasureOverhead(TextInfiller infiller, int batch, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(infiller);
        int positions = Math.Min(TimedLength, infiller.Model.MaxTokens);
        double overhead = 0;
        infiller.RunExclusive(model => overhead = CostCurve.Measure(model, positions, batch, batch == 1 ? TimedPasses : TimedPassesInBatch, cancellationToken).RoundedOverhead);
        return overhead;
    }

    /// <summary>
    /// The corpus weight with which n-gram drafts have the highest acceptance, and the acceptance of the sequence's own bigrams, on samples of
    /// the sequential sampler. Targets without a draft do not count.
    /// </summary>
    private (double? Weight, double[]? OwnBigrams) MeasureNgrams(List<InfillPrompt> prompts, CancellationToken cancellationToken)
    {
        IReadOnlyList<InfillResult> results = _infiller.InfillBatch(
            [.. prompts.Select((prompt, i) => new InfillRequest(prompt, new InfillOptions { Sampler = SamplerKind.Sequential, Seed = i }))], cancellationToken);
        var acceptances = new double[s_weights.Length];
        var own = new DraftAcceptanceTally();
        foreach (FilledSequence filled in results.SelectMany(result => result.Sequences))
        {
            double[] logProbabilities = _infiller.LogProbabilities(filled, cancellationToken);
            foreach ((double confidence, double acceptance) in Acceptance(filled, logProbabilities, null, NgramTable.DefaultCorpusWeight).Where(one => one.Confidence > 0))
                own.Add(DraftSource.Ngram, new DraftTarget(Neighbours.Left, confidence, null, 0), acceptance);
            for (int i = 0; i < acceptances.Length && _infiller.Setting.Ngrams is not null; i++)
                acceptances[i] += Acceptance(filled, logProbabilities, _infiller.Setting.Ngrams, s_weights[i]).Sum(one => one.Acceptance);
        }

        double? best = _infiller.Setting.Ngrams is null ? null : s_weights[Array.IndexOf(acceptances, acceptances.Max())];
        return (best, own.RatesOfOwnBigrams());
    }

    private (double Confidence, double Acceptance)[] Acceptance(FilledSequence filled, double[] logProbabilities, NgramTable? table, double weight) =>
        NgramAcceptance.Measure(filled.Order, filled.Tokens, filled.Distribution, logProbabilities, _infiller.Setting.Manifest.VocabularySize, table, weight);

    /// <summary>Samples with a policy that tries all draft sources. The order is mostly left to right, as in use; other orders give targets without a known left neighbour.</summary>
    private DraftAcceptanceTally Explore(List<InfillPrompt> prompts, double? weight, CancellationToken cancellationToken)
    {
        var tally = new DraftAcceptanceTally();
        long policies = 0;
        InfillSetting setting = _infiller.Setting with
        {
            PolicyFactory = () => new ExploringDraftPolicy(tally, new SplitMix64(policies++)),
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
