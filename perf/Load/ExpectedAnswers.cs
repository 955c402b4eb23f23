using System.Diagnostics;

namespace AsArm.Perf.Load;

/// <summary>Requests with their answers from when each was asked alone.</summary>
internal sealed class ExpectedAnswers
{
    private readonly (LoadRequest Request, NormalAnswer Answer, double Milliseconds)[] _all;
    private readonly Dictionary<string, int> _numbers = [];

    private ExpectedAnswers((LoadRequest Request, NormalAnswer Answer, double Milliseconds)[] all)
    {
        _all = all;
        for (int i = 0; i < all.Length; i++)
            _numbers.TryAdd(all[i].Answer.Text, i);
    }

    public int Count => _all.Length;

    /// <summary>Asks for all, one after the other.</summary>
    /// <exception cref="InvalidOperationException">One is not answered as it should be.</exception>
    public static async Task<ExpectedAnswers> AskAsync(Uri server, IReadOnlyList<LoadRequest> requests)
    {
        using var client = new HttpClient { BaseAddress = server, Timeout = Timeout.InfiniteTimeSpan };
        var all = new (LoadRequest, NormalAnswer, double)[requests.Count];
        for (int i = 0; i < all.Length; i++)
        {
            long start = Stopwatch.GetTimestamp();
            (int status, _, string answer) = await requests[i].SendAsync(client);
            if (status != 200)
                throw new InvalidOperationException($"{requests[i]} was answered with {status}: {answer}");
            all[i] = (requests[i], NormalAnswer.Of(answer, requests[i].Form), Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        return new(all);
    }

    /// <summary>The numbers of the faster half.</summary>
    public IReadOnlyList<int> Fast => [.. Enumerable.Range(0, Count).OrderBy(i => _all[i].Milliseconds).Take((Count + 1) / 2)];

    public LoadRequest Request(int number) => _all[number].Request;

    /// <summary>The tokens that a request fills.</summary>
    public int Tokens(int number) => _all[number].Answer.Tokens;

    /// <summary>How long a request took alone.</summary>
    public double Milliseconds(int number) => _all[number].Milliseconds;

    /// <summary>Compares an answer with the one that its request had alone.</summary>
    /// <param name="number">The number of the request.</param>
    /// <param name="answer">The answer.</param>
    /// <param name="difference">What is wrong with it.</param>
    public Verdict Check(int number, string answer, out string difference)
    {
        (LoadRequest request, NormalAnswer expected, _) = _all[number];
        NormalAnswer? got = null;
        difference = answer;
        try
        {
            got = NormalAnswer.Of(answer, request.Form);
        }
        catch (FormatException)
        {
            // It may be the answer to a request of another form.
        }

        if (got?.Text == expected.Text)
            return Verdict.Right;
        difference = DifferenceOf(request, expected.Text, got?.Text ?? answer);
        return Enum.GetValues<AnswerForm>().Any(form => IsOfAnother(answer, form)) ? Verdict.OfAnotherRequest : Verdict.Wrong;
    }

    /// <summary>Both answers around the first place where they differ.</summary>
    private static string DifferenceOf(LoadRequest request, string alone, string company)
    {
        const int Before = 60, After = 120;
        int at = Math.Max(0, alone.AsSpan().CommonPrefixLength(company) - Before);
        return $"{request.Kind}, {request.Path} {request.Body}\n  alone:      {Part(alone)}\n  in company: {Part(company)}";

        string Part(string text) => text[Math.Min(at, text.Length)..Math.Min(at + Before + After, text.Length)];
    }

    private bool IsOfAnother(string answer, AnswerForm form)
    {
        try
        {
            return _numbers.ContainsKey(NormalAnswer.Of(answer, form).Text);
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
