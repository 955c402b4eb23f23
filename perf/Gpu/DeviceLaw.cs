using AsArm.Assd.Distributions;
using AsArm.Assd.Models;
using AsArm.Assd.Ordering;
using AsArm.Assd.Planning;
using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Assd.Samplers.Fused;
using AsArm.Assd.Tests.Exactness;
using AsArm.Inference.Devices;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Onnx;
using AsArm.Inference.Onnx.Sessions;

namespace AsArm.Perf.Gpu;

/// <summary>Samples drawn on a device against the joint distribution of the same network, which the CPU enumerates: for a network with a small vocabulary.</summary>
internal sealed class DeviceLaw
{
    private const int Samples = 8000, Batch = 64, Length = 7;
    private static readonly int[] s_targets = [1, 3, 4];

    private readonly ModelFolder _folder;
    private readonly SamplingOptions _options;
    private readonly Order _order;
    private readonly int[] _tokens;
    private readonly double[] _joint;

    /// <param name="folder">A model folder with at most 16 tokens.</param>
    public DeviceLaw(ModelFolder folder)
    {
        int vocabulary = folder.Manifest.VocabularySize;
        if (vocabulary > 16)
            throw new ArgumentException($"{folder.Name} has {vocabulary} tokens, which are too many to enumerate.", nameof(folder));
        _folder = folder;
        _options = new SamplingOptions { BannedTokens = [folder.Manifest.MaskId], DraftLength = 2 };
        _order = Order.LeftToRight([.. Enumerable.Range(0, Length).Select(position => !s_targets.Contains(position))]);
        _tokens = [.. Enumerable.Range(0, Length).Select(position => position % (vocabulary - 2))];
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(folder, useCache: false);
        _joint = Enumerate(model, vocabulary);
    }

    /// <summary>A test for each sampler, and `parallel` as the control.</summary>
    public IEnumerable<LawRow> Run(Device device)
    {
        using OnnxAnySubsetModel model = OnnxModelLoader.Open(_folder, device);
        int vocabulary = model.VocabularySize;
        (string Name, bool IsExact, Func<Sampler> Create)[] samplers =
        [
            ("sequential", true, () => new SequentialSampler(_order, _tokens, _options, vocabulary)),
            ("assd", true, () => new AssdSampler(_order, _tokens, _options, vocabulary)),
            ("fused", true, () => new FusedSampler(_order, _tokens, _options, vocabulary, new FixedDraftPolicy(DraftSource.Product, 2, 2), ngrams: null)),
            ("parallel", false, () => new ParallelSampler(_order, _tokens, _options, vocabulary)),
        ];
        foreach ((string name, bool isExact, Func<Sampler> create) in samplers)
            yield return new(name, Samples, GoodnessOfFit.Compare(Counts(model, create), _joint).PValue, isExact);
    }

    private int[] Counts(OnnxAnySubsetModel model, Func<Sampler> create)
    {
        var counts = new int[_joint.Length];
        for (int start = 0; start < Samples; start += Batch)
        {
            Sampler[] samplers = [.. Enumerable.Range(0, Batch).Select(_ => create())];
            new SamplingLoop(model, samplers, [.. samplers.Select((_, i) => new SplitMix64(start + i))]).Run(CancellationToken.None);
            foreach (Sampler sampler in samplers)
                counts[CellOf(sampler.Tokens)]++;
        }

        return counts;
    }

    private int CellOf(ReadOnlySpan<int> tokens)
    {
        int cell = 0;
        foreach (int position in s_targets)
            cell = (cell * _folder.Manifest.VocabularySize) + tokens[position];
        return cell;
    }

    /// <summary>[V^targets] the product of the conditionals of every filling.</summary>
    private double[] Enumerate(OnnxAnySubsetModel model, int vocabulary)
    {
        var processor = new LogitsProcessor(_options, vocabulary);
        var joint = new double[(int)Math.Pow(vocabulary, s_targets.Length)];
        int given = _order.GivenCount;
        for (int cell = 0; cell < joint.Length; cell++)
        {
            var state = new SequenceState(_order, _tokens, vocabulary, s_targets.Length);
            for (int i = s_targets.Length - 1, rest = cell; i >= 0; i--, rest /= vocabulary)
                state.SetToken(given + i, rest % vocabulary);
            state.BeginForwardPass(_order.Length);
            for (int rank = given; rank < _order.Length; rank++)
                state.AddQuery(new Conditional(rank, rank));
            model.Evaluate([state], CancellationToken.None);
            joint[cell] = 1;
            for (int i = 0; i < s_targets.Length; i++)
            {
                Span<float> row = state.Row(i);
                processor.ToProbabilities(row);
                joint[cell] *= row[state.Tokens[_order.Positions[given + i]]];
            }
        }

        return joint;
    }
}
