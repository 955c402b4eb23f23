using System.Diagnostics;
using AsArm.Benchmarks.Statistics;
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;

namespace AsArm.Perf.Load;

/// <summary>
/// Texts of one length with a gap of 32 tokens each, nothing cancelled and nothing hostile: 16 clients of the server against one, beside 16 sequences of the library in a forward
/// pass against one. The second is the bound of the first.
/// </summary>
internal sealed class GapsOfOneLength : IDisposable
{
    private const int Gap = 32, Count = 32;
    private readonly TextInfiller _infiller;
    private readonly InfillRequest[] _requests;
    private readonly LoadSetting _setting;
    private readonly List<(Rate Sixteen, Rate One)> _server = [], _library = [];
    private readonly List<(Rate Server, Rate Library)> _sixteen = [], _one = [];

    private GapsOfOneLength(TextInfiller infiller, InfillRequest[] requests, LoadSetting setting) =>
        (_infiller, _requests, _setting) = (infiller, requests, setting);

    /// <summary>Opens the model in this process too.</summary>
    /// <param name="server">The server.</param>
    /// <param name="model">Its model folder.</param>
    /// <param name="length">Tokens of a text.</param>
    public static async Task<GapsOfOneLength> OpenAsync(ServerProcess server, string model, int length)
    {
        TextInfiller infiller = await TextInfiller.OpenAsync(model);
        string[] texts = [.. Enumerable.Range(0, Count).Select(i => TextOf(infiller, i, length))];
        InfillRequest[] requests = [.. texts.Select((text, i) => new InfillRequest(text, new InfillOptions { Seed = i, DraftMode = DraftMode.Throughput }))];
        ExpectedAnswers expected = await ExpectedAnswers.AskAsync(server.Address, [.. texts.Select((text, i) => new LoadRequest("one gap", "/v1/infill", new { text, seed = i }))]);
        return new(infiller, requests, new LoadSetting(server, expected, [.. Enumerable.Range(0, Count)]));
    }

    /// <summary>The server, 16 clients against one.</summary>
    public Estimate Server => Estimate.OfRatio(_server)!;

    /// <summary>The library, 16 sequences against one.</summary>
    public Estimate Library => Estimate.OfRatio(_library)!;

    /// <summary>16 clients of the server against 16 sequences of the library.</summary>
    public Estimate SixteenAgainstLibrary => Estimate.OfRatio(_sixteen)!;

    /// <summary>One client of the server against one sequence of the library.</summary>
    public Estimate OneAgainstLibrary => Estimate.OfRatio(_one)!;

    /// <summary>All four, one after the other.</summary>
    /// <param name="seconds">Of each.</param>
    /// <param name="round">Numbered from 0; each second one has the other order.</param>
    /// <param name="tally">Takes what became of the requests.</param>
    public async Task RunAsync(double seconds, int round, LoadTally tally)
    {
        var rates = new Rate[4];
        foreach (int i in round % 2 == 0 ? (int[])[0, 1, 2, 3] : [3, 2, 1, 0])
            rates[i] = i < 2 ? await OfServerAsync(i == 0 ? 16 : 1) : OfLibrary(i == 2 ? 16 : 1, seconds);
        _server.Add((rates[0], rates[1]));
        _library.Add((rates[2], rates[3]));
        _sixteen.Add((rates[0], rates[2]));
        _one.Add((rates[1], rates[3]));

        async Task<Rate> OfServerAsync(int clients)
        {
            LoadSlot slot = await LoadSlot.RunAsync(_setting, clients, seconds, round);
            tally.Add(slot.Tally);
            return slot.Tokens;
        }
    }

    public void Dispose() => _infiller.Dispose();

    /// <summary>Whole batches, until the time is over.</summary>
    private Rate OfLibrary(int batch, double seconds)
    {
        long start = Stopwatch.GetTimestamp();
        int next = 0, tokens = 0;
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds)
        {
            InfillRequest[] requests = [.. Enumerable.Range(next, batch).Select(i => _requests[i % Count])];
            tokens += _infiller.InfillMany(requests).Sum(result => result.Statistics.Generated);
            next += batch;
        }

        return new(tokens, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    /// <summary>As many words as fit.</summary>
    private static string TextOf(TextInfiller infiller, int story, int length)
    {
        string text = "";
        for (int words = 4; ; words++)
        {
            string longer = TextParts.WithGaps(story, words, $"<mask:{Gap}>");
            if (infiller.CountTokens(InfillPrompt.Parse(longer)).Total > length)
                return text;
            text = longer;
        }
    }
}
